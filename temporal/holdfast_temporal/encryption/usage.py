"""Which keys the namespace's workflows and schedules still need, and giving the long-lived ones the primary key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    ScheduleActionStartWorkflow,
    ScheduleUpdate,
    ScheduleUpdateInput,
    WorkflowExecution,
)

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.operations.binding import Binding

from .. import binding
from ..rpc import TIMEOUT, rpc_errors
from .refusing import KEY_ID

_BINDINGS: Final = f"WorkflowType = '{names.BINDING_WORKFLOW}' AND ExecutionStatus = 'Running'"


async def needing(client: Client, key: str, looked_at: Callable[[int], None]) -> str:
    """The id of a workflow or schedule that has payloads of a key; empty if none has.

    It reads the histories of all workflows that the server still has, and calls ``looked_at`` with their number.
    """
    mark, count = _mark(key), 0
    with rpc_errors():
        async for each in client.list_workflows(rpc_timeout=TIMEOUT):
            if await _needs(client, each, mark):
                return each.id
            count += 1
            looked_at(count)
        async for schedule in await client.list_schedules(rpc_timeout=TIMEOUT):
            found = await client.get_schedule_handle(schedule.id).describe(rpc_timeout=TIMEOUT)
            if mark in found.raw_description.SerializeToString():
                return schedule.id
    return ""


async def renew(client: Client) -> None:
    """Encrypt by the primary key what lives as long as the deployment: bindings of queues, and our schedules."""
    with rpc_errors():
        async for each in client.list_workflows(_BINDINGS, rpc_timeout=TIMEOUT):
            queue = await each.memo_value("queue", type_hint=str)
            await binding.rebind(client, queue, await each.memo_value("binding", type_hint=Binding))
        async for schedule in await client.list_schedules(rpc_timeout=TIMEOUT):
            await client.get_schedule_handle(schedule.id).update(_renewed(client), rpc_timeout=TIMEOUT)


def _renewed(client: Client) -> Callable[[ScheduleUpdateInput], Awaitable[ScheduleUpdate | None]]:
    async def update(before: ScheduleUpdateInput) -> ScheduleUpdate | None:
        action = before.description.schedule.action
        if not isinstance(action, ScheduleActionStartWorkflow) or action.workflow not in names.OWN_WORKFLOWS:
            return None
        # As the server sent them, the payloads would be sent back under their old key.
        payloads = [each for each in action.args if isinstance(each, Payload)]
        action.args = await client.data_converter.decode(payloads)
        if isinstance(action.static_summary, Payload):
            [action.static_summary] = await client.data_converter.decode([action.static_summary])
        return ScheduleUpdate(before.description.schedule)

    return update


async def _needs(client: Client, each: WorkflowExecution, mark: bytes) -> bool:
    if mark in each.raw_info.SerializeToString():
        return True
    handle = client.get_workflow_handle(each.id, run_id=each.run_id)
    async for event in handle.fetch_history_events(rpc_timeout=TIMEOUT):
        if mark in event.SerializeToString():
            return True
    return False


def _mark(key: str) -> bytes:
    """The bytes by which a serialised payload names its key: an entry of its metadata."""
    return KEY_ID.encode() + b"\x12" + bytes([len(key)]) + key.encode()
