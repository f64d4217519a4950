"""What Temporal knows about task queues: live workers and backlogs."""

import time
from datetime import UTC, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import TaskQueueType, WorkerStatus
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, ListWorkersRequest
from temporalio.client import Client
from temporalio.service import RPCError

from .ranking import Queue

_FRESH: Final = 1.0
"""Seconds for which an answer is used again."""

_POLL: Final = 65.0
"""Seconds: a worker asks the server for work at least this often."""

_MISSED: Final = 3.0
"""Heartbeats after which a worker counts as dead."""


class TaskQueues:
    """Describes task queues, each at most once a second."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Queue]] = {}

    async def describe(self, client: Client, name: str) -> Queue:
        """Return a queue's live workers and backlog. If the server does not answer, the queue counts as served."""
        at, known = self._known.get(name, (0.0, None))
        if known is not None and time.monotonic() - at < _FRESH:
            return known
        try:
            queue = await _describe(client, name)
        except RPCError:
            queue = known or Queue(name, 1)
        self._known[name] = time.monotonic(), queue
        return queue


async def _describe(client: Client, name: str) -> Queue:
    """Count pollers, without the workers whose heartbeats show that they are stopping or dead."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=name),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        report_stats=True,
    )
    found = await client.workflow_service.describe_task_queue(request)
    now = datetime.now(UTC).timestamp()
    polling = {each.identity for each in found.pollers if now - _seconds(each.last_access_time) < _POLL}
    dead = await _dead(client, name, now)
    age = found.stats.approximate_backlog_age
    return Queue(name, len(polling - dead), age.seconds + age.nanos / 1e9)


async def _dead(client: Client, name: str, now: float) -> set[str]:
    """Identities of a queue's workers that are stopping, or whose heartbeats are overdue, and of no other worker."""
    quoted = name.replace('"', "")
    request = ListWorkersRequest(namespace=client.namespace, query=f'TaskQueue="{quoted}"')
    try:
        found = await client.workflow_service.list_workers(request)
    except RPCError:  # an older server, or one without worker heartbeats
        return set()
    alive: set[str] = set()
    dead: set[str] = set()
    for each in found.workers_info:
        beat = each.worker_heartbeat
        late = beat.elapsed_since_last_heartbeat.seconds or _POLL
        running = beat.status == WorkerStatus.WORKER_STATUS_RUNNING
        lives = running and now - _seconds(beat.heartbeat_time) < _MISSED * late
        (alive if lives else dead).add(beat.worker_identity)
    return dead - alive


def _seconds(stamp: Timestamp) -> float:
    return stamp.seconds + stamp.nanos / 1e9
