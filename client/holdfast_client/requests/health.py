"""Detection of work that waits for a missing worker."""

from __future__ import annotations

import time

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import PendingActivityState, PendingWorkflowTaskState
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import WorkflowExecutionDescription

from holdfast_workflows.contracts.errors import NoWorker

from . import queues
from .requests import Requests


def waiting_since(found: DescribeWorkflowExecutionResponse) -> float | None:
    """Return since when a session's work waits for a worker, in seconds since 1970; None if none waits."""
    waits = [
        # A failed call waits since the end of its backoff, not since its first attempt.
        _seconds(each.next_attempt_schedule_time)
        if each.HasField("next_attempt_schedule_time")
        else _seconds(each.scheduled_time)
        for each in found.pending_activities
        if each.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    ]
    task = found.pending_workflow_task
    if task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED:
        waits.append(_seconds(task.original_scheduled_time))
    return min(waits) if waits else None


async def expect_worker(requests: Requests, found: WorkflowExecutionDescription) -> None:
    """Raise NoWorker if work has waited longer than the client's timeout and no worker polls its queue."""
    since = waiting_since(found.raw_description)
    if since is None or time.time() - since < requests.timeout or await requests.polled(found.task_queue):
        return
    raise NoWorker(
        f"session {found.id} has waited for {time.time() - since:.0f} s on {found.task_queue}"
        + await queues.owner(requests.temporal, found.task_queue)
    )


def _seconds(stamp: Timestamp) -> float:
    return stamp.seconds + stamp.nanos / 1e9
