"""Reads snapshots: pending activities, and the session's view if the history has changed."""

from __future__ import annotations

import time
from typing import Final, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import WorkflowExecutionDescription, WorkflowExecutionStatus

from holdfast_client.requests import health
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import NoWorker
from holdfast_workflows.contracts.session.progress import Partial, ToolProgress
from holdfast_workflows.contracts.session.session import SessionView
from holdfast_workflows.contracts.text.unicode import preview

from .snapshot import PendingModelCall, PendingToolCall, Snapshot

_RUNS: Final = frozenset(
    {
        PendingActivityState.PENDING_ACTIVITY_STATE_STARTED,
        PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED,
    }
)
_UNATTENDED: Final = 3.0
"""Seconds that work may wait before the stream reports it."""

P = TypeVar("P", Partial, ToolProgress)


class Reader:
    """Reads snapshots of one session."""

    def __init__(self, requests: Requests, session: str) -> None:
        self._requests = requests
        self._session = session
        self._last_state: tuple[str, int] | None = None

    async def read(self, since: int) -> Snapshot:
        """Read a snapshot; its view has the events from ``since`` on."""
        found = await self._requests.describe(self._session)
        await health.expect_worker(self._requests, found)
        waiting = health.waiting_since(found.raw_description)
        unattended = waiting is not None and time.time() - waiting > _UNATTENDED
        # Heartbeats do not lengthen the history, so the view is queried only after a change.
        # The run is compared too, since the history of a new run starts again at 1.
        state = (found.run_id, found.history_length)
        view: SessionView | None = None
        if state != self._last_state:
            try:
                view = await self._requests.query(self._session, "view", since, SessionView)
                self._last_state = state
            except NoWorker:
                unattended = True
        pending = found.raw_description.pending_activities
        thinks = [each for each in pending if each.activity_type.name == names.THINK]
        tools = [each for each in pending if each.activity_type.name not in names.RESERVED]
        return Snapshot(
            open=found.status == WorkflowExecutionStatus.RUNNING,
            thinking=await self._model_call(found, thinks[-1]) if thinks else None,
            tools=tuple([await self._tool_call(found, each) for each in tools]),
            view=view,
            unattended=unattended,
        )

    async def _model_call(
        self, found: WorkflowExecutionDescription, each: PendingActivityInfo
    ) -> PendingModelCall:
        return PendingModelCall(
            activity=f"{found.run_id}/{each.activity_id}",
            attempt=each.attempt,
            partial=await _details(found, each, Partial),
            failure=await _failure(found, each),
        )

    async def _tool_call(
        self, found: WorkflowExecutionDescription, each: PendingActivityInfo
    ) -> PendingToolCall:
        progress = await _details(found, each, ToolProgress)
        return PendingToolCall(
            activity=f"{found.run_id}/{each.activity_id}",
            name=each.activity_type.name,
            attempt=each.attempt,
            detail=progress.detail if progress else await _failure(found, each),
        )


async def _details(
    found: WorkflowExecutionDescription, each: PendingActivityInfo, type_: type[P]
) -> P | None:
    """Return the details of this attempt's last heartbeat.

    The server keeps the heartbeat of a failed attempt until the next attempt sends one; it is
    older than the attempt's start.
    """
    if each.state not in _RUNS or not each.heartbeat_details.payloads:
        return None
    if _nanos(each.last_heartbeat_time) < _nanos(each.last_started_time):
        return None
    try:
        values = await found.data_converter.decode(each.heartbeat_details.payloads, [type_])
    except (ValueError, RuntimeError):  # a heartbeat of another type
        return None
    return values[0] if values and isinstance(values[0], type_) else None


async def _failure(found: WorkflowExecutionDescription, each: PendingActivityInfo) -> str:
    """Return the code and message of the last attempt's error."""
    if not each.HasField("last_failure"):
        return ""
    failure = each.last_failure
    if failure.HasField("encoded_attributes"):  # with encryption the text is in a payload
        await found.data_converter.decode_failure(failure)
    code = failure.application_failure_info.type
    return preview(": ".join(part for part in (code, failure.message) if part))


def _nanos(stamp: Timestamp) -> int:
    return stamp.seconds * 1_000_000_000 + stamp.nanos
