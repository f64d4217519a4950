"""Backlogs and pollers of task queues."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from holdfast_workflows.contracts.operations.figures import Figure

_KINDS: Final = {
    "workflow": TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    "activity": TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
}

_POLL: Final = 65.0
"""Seconds: a worker asks the server for work at least this often. The server lists pollers for minutes."""


async def read(client: Client, queues: Sequence[str]) -> list[Figure]:
    """Describe each queue, for workflow tasks and for activities."""
    found = await asyncio.gather(*(_describe(client, queue, kind) for queue in queues for kind in _KINDS))
    return [figure for figures in found for figure in figures]


async def _describe(client: Client, queue: str, kind: str) -> list[Figure]:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=_KINDS[kind],
        report_stats=True,
    )
    found = await client.workflow_service.describe_task_queue(request)
    now = datetime.now(UTC).timestamp()
    pollers = {each.identity for each in found.pollers if now - each.last_access_time.seconds < _POLL}
    age = found.stats.approximate_backlog_age
    values = {
        "holdfast_queue_backlog": found.stats.approximate_backlog_count,
        "holdfast_queue_pollers": len(pollers),
        "holdfast_queue_backlog_age_seconds": age.seconds + age.nanos / 1e9,
    }
    labels = {"queue": queue, "kind": kind}
    return [Figure(name=name, value=value, labels=labels) for name, value in values.items()]
