"""Schedules: workflows that the server starts periodically."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
)
from temporalio.service import RPCError, RPCStatusCode

from holdfast_workflows.contracts.errors import ServiceError, SettingsInvalid, TemporalUnreachable

_AWAY: Final = frozenset({
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.DEADLINE_EXCEEDED,
})  # fmt: skip
_PROMPTLY: Final = timedelta(seconds=10)

_CATCH_UP: Final = timedelta(minutes=10)
"""What was missed while the server was down is made up for if it is no older; one run does for many."""


@dataclass(frozen=True)
class Repeated:
    """A workflow to start periodically, one run at a time; ``id`` is the id of the schedule and of its runs."""

    id: str
    workflow: str
    argument: Any
    task_queue: str
    every: timedelta
    summary: str = ""


async def ensure(client: Client, wanted: Repeated, *, replace: bool = False) -> bool:
    """Create or update the schedule; return whether anything changed.

    Args:
        client: A client with Holdfast's data converter.
        wanted: What is to run, and how often.
        replace: Whether one that is there is changed to this; else it stays as it is.

    Raises:
        TemporalUnreachable: The server did not answer.
        ServiceError: The server does not let us.
    """
    try:
        await client.create_schedule(wanted.id, _schedule(wanted), rpc_timeout=_PROMPTLY)
    except ScheduleAlreadyRunningError:
        if replace:
            handle = client.get_schedule_handle(wanted.id)
            try:
                await handle.update(lambda _: ScheduleUpdate(_schedule(wanted)), rpc_timeout=_PROMPTLY)
            except RPCError as error:
                raise refused(error) from error
        return replace
    except RPCError as error:
        raise refused(error) from error
    return True


async def remove(client: Client, id: str) -> bool:
    """Remove a schedule; return whether it existed.

    Raises:
        TemporalUnreachable: The server did not answer.
        ServiceError: The server does not let us.
    """
    try:
        await client.get_schedule_handle(id).delete(rpc_timeout=_PROMPTLY)
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return False
        raise refused(error) from error
    return True


def _schedule(wanted: Repeated) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            wanted.workflow,
            wanted.argument,
            id=wanted.id,
            task_queue=wanted.task_queue,
            static_summary=wanted.summary or None,
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=wanted.every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_CATCH_UP),
    )


def refused(error: RPCError) -> ServiceError | SettingsInvalid:
    """Map an RPC error to ours; TemporalUnreachable if the server did not answer."""
    if error.status == RPCStatusCode.NOT_FOUND and error.message.startswith("Namespace "):
        return SettingsInvalid(f"HOLDFAST_NAMESPACE, or --namespace: {error.message}")
    return (TemporalUnreachable if error.status in _AWAY else ServiceError)(error.message)
