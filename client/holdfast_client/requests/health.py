"""Detection of work that waits for a missing worker."""

from __future__ import annotations

import time
from collections.abc import Iterable

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import PendingActivityState, PendingWorkflowTaskState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import WorkflowExecutionDescription

from holdfast_workflows.contracts.errors import NoWorker

from . import queues
from .requests import Requests


def waiting_since(found: DescribeWorkflowExecutionResponse) -> float | None:
    """Return since when a session's work waits for a worker, in seconds since 1970; None if none waits."""
    waits = [_seconds(each) for each in _untaken(found.pending_activities)]
    task = found.pending_workflow_task
    if task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED:
        waits.append(_seconds(task.original_scheduled_time))
    return min(waits) if waits else None


async def expect_worker(requests: Requests, found: WorkflowExecutionDescription) -> None:
    """Check that waiting work can still get a worker.

    Raises:
        NoWorker: It has waited longer than the client's timeout, and no worker polls the queue.
    """
    since = waiting_since(found.raw_description)
    if since is None or time.time() - since < requests.timeout or await requests.polled(found.task_queue):
        return
    raise NoWorker(
        f"session {found.id} has waited for {time.time() - since:.0f} s on {found.task_queue}"
        + await queues.owner(requests.temporal, found.task_queue)
    )


def _untaken(pending: Iterable[PendingActivityInfo]) -> list[Timestamp]:
    return [
        # A call that failed before waits from the end of its pause on, not from its first attempt.
        each.next_attempt_schedule_time
        if each.HasField("next_attempt_schedule_time")
        else each.scheduled_time
        for each in pending
        if each.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    ]


def _seconds(stamp: Timestamp) -> float:
    return stamp.seconds + stamp.nanos / 1e9
