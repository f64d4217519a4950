"""Schedules: workflows that the server starts periodically. Requests raise as ``rpc.rpc_errors``."""

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

from .rpc import TIMEOUT, rpc_errors

_CATCH_UP: Final = timedelta(minutes=10)
"""After an outage of the server, a run that was missed no longer ago than this is made up for, once."""


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
    """Create the schedule, or with ``replace`` update an existing one; return whether anything changed."""
    with rpc_errors():
        try:
            await client.create_schedule(wanted.id, _schedule(wanted), rpc_timeout=TIMEOUT)
        except ScheduleAlreadyRunningError:
            if replace:
                handle = client.get_schedule_handle(wanted.id)
                await handle.update(lambda _: ScheduleUpdate(_schedule(wanted)), rpc_timeout=TIMEOUT)
            return replace
    return True


async def remove(client: Client, id: str) -> bool:
    """Remove a schedule; return whether it existed."""
    with rpc_errors():
        try:
            await client.get_schedule_handle(id).delete(rpc_timeout=TIMEOUT)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return False
            raise
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
