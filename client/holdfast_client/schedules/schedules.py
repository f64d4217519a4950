"""Start tasks by cron or at an interval: make, list, pause, trigger and delete schedules."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar, Unpack

from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleListActionStartWorkflow,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from holdfast_client import messages
from holdfast_client.agents import DeclaredAgent, name_and_shape
from holdfast_client.requests import registering
from holdfast_client.requests.bounded import bounded
from holdfast_client.requests.errors import bad_input, translate
from holdfast_client.requests.requests import Requests
from holdfast_client.requests.starting import check
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.budget import Budget
from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.control import access
from holdfast_workflows.contracts.control.access import Operation, owner_for
from holdfast_workflows.contracts.errors import BadInput, ScheduleNotFound, SessionNotFound
from holdfast_workflows.contracts.operations.schedules import (
    GrantSchedule,
    Overlap,
    ScheduleGrant,
    ScheduleView,
    check_message,
)
from holdfast_workflows.contracts.permissions.rules import Permissions
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.session.scheduled import Scheduled
from holdfast_workflows.contracts.session.session import Message, StartInput
from holdfast_workflows.contracts.text.unicode import preview, size

from . import reading
from .making import Timing, schedule_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

T = TypeVar("T")

_LONGEST_ID: Final = 160
"""Characters of a schedule's id: those of its sessions begin with it."""

_LARGEST: Final = 32_000
"""Bytes of a message."""


@public
class ScheduleOptions(TypedDict, total=False):
    """Options of schedules.

    Attributes:
        cron: When tasks start, as ``minute hour day month weekday``: ``"0 9 * * 1-5"``.
        every: The time between tasks, instead of ``cron``.
        time_zone: The time zone of ``cron`` and of the message's times, such as ``Europe/Berlin``; UTC by default.
        overlap: What happens if a task is due while an earlier one runs: ``skip`` it (default), ``buffer_one`` or
            ``buffer_all``, ``cancel_other`` or ``allow_all``.
        jitter: A random delay of each start, at most so long.
        catch_up: After an outage of the server, tasks that were due no longer ago are started; ten minutes by default.
        paused: Whether the schedule begins paused.
        note: A text for people.
        tenant: The tenant that the tasks run for.
        user: The id of the user that the tasks are for.
        budget: What each task may use; the agent's budget by default.
        max_steps: The maximum number of model calls per task; the agent's limit by default.
        permissions: Rules on the tasks' tool calls; they can only narrow those of the agent, tenant and app.
        priority: 1 (first) to 5; the order of work that waits for workers. 3 by default.
        weight: The tenant's share of busy workers, as for a session.
    """

    cron: str | None
    every: timedelta | None
    time_zone: str
    overlap: Overlap
    jitter: timedelta
    catch_up: timedelta
    paused: bool
    note: str
    tenant: str
    user: str
    budget: Budget | None
    max_steps: int | None
    permissions: Permissions | None
    priority: int | None
    weight: float | None


class ScheduleMethods:
    """The part of ``Client`` that makes schedules."""

    _requests: Requests

    @property
    def schedules(self) -> Schedules:
        """The schedules: list, pause, trigger and delete them."""
        return Schedules(self._requests)

    async def schedule(
        self, id: str, agent: str | DeclaredAgent, message: str, **options: Unpack[ScheduleOptions]
    ) -> ScheduleView:
        """Start a task of an agent by cron or at an interval. The same id again replaces the schedule.

        Each task is a session with the id ``ID-TIME``. In the message ``{scheduled_at}`` stands for the time at which
        the task was due, ``{date}`` and ``{time}`` for its parts, ``{schedule}`` for the schedule's id.

        Args:
            id: The schedule's id.
            agent: The agent, or its name.
            message: The message of each task.
            options: See ``ScheduleOptions``.

        Raises:
            BadInput: An option is invalid, or another tenant or user has a schedule of that id.
            UnknownAgent: The workers serve no such agent.
        """
        return await _create(self._requests, id, agent, message, **options)


@known_options("schedule")
async def _create(
    requests: Requests,
    id: str,
    agent: str | DeclaredAgent,
    message: str,
    *,
    cron: str | None = None,
    every: timedelta | None = None,
    time_zone: str = "UTC",
    overlap: Overlap = "skip",
    jitter: timedelta = timedelta(),
    catch_up: timedelta = timedelta(minutes=10),
    paused: bool = False,
    note: str = "",
    tenant: str = "",
    user: str = "",
    budget: Budget | None = None,
    max_steps: int | None = None,
    permissions: Permissions | None = None,
    priority: int | None = None,
    weight: float | None = None,
) -> ScheduleView:
    timing = Timing(cron, every, time_zone, overlap, jitter, catch_up)
    timing.check()
    check(id, tenant, user, budget, max_steps)
    _check(id, message)
    name, _ = name_and_shape(agent, None)
    tenant, user = owner_for(await requests.principal(), tenant, user)
    with bad_input():
        start = StartInput(
            agent=name,
            tenant=tenant,
            user=user,
            mode="task",
            message=Message(id="first", text=message, size=size(message)),
            budget=budget,
            max_steps=max_steps,
            permissions=permissions,
            heartbeat_timeout=5.0,
            scheduled=Scheduled(schedule=id, when=timing.when, time_zone=time_zone),
        )
    state = ScheduleState(paused=paused, note=note or None)
    return await _save(requests, timing, start, state, {"priority": priority, "weight": weight})


async def _save(
    requests: Requests, timing: Timing, start: StartInput, state: ScheduleState, share: dict[str, Any]
) -> ScheduleView:
    """Have a worker sign the start, then create the schedule or replace it."""
    scheduled = start.scheduled or Scheduled(schedule="")
    made = await requests.activity(names.GRANT_SCHEDULE, GrantSchedule(start=start), ScheduleGrant)
    start = start.model_copy(update={"scheduled": scheduled.model_copy(update={"grant": made.grant})})
    id, schedules = scheduled.schedule, Schedules(requests)
    wanted = schedule_of(id, timing, start, await requests.queue(), state, share)
    await registering.with_attributes(
        requests.temporal, partial(schedules.replace, id, wanted), requests.timeout
    )
    return await schedules.show(id)


def _check(id: str, message: str) -> None:
    messages.checked_id(id)
    if len(id) > _LONGEST_ID:
        raise BadInput(f"the id of a schedule has {len(id)} characters; at most {_LONGEST_ID}")
    if messages.check(message) > _LARGEST:
        raise BadInput(f"the message of a schedule has at most {_LARGEST:,} bytes")
    check_message(message)


@public
class Schedules:
    """Lists and controls schedules. Made by ``client.schedules``."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def list(self, *, agent: str | None = None, tenant: str | None = None) -> tuple[ScheduleView, ...]:
        """Return the schedules that match, by id. A new one may be missing for a second."""
        if self._requests.grants is not None:
            access.check(await self._requests.principal(), "list")
        found: list[ScheduleView] = []
        async for id in self._ids():
            try:
                each = await self.show(id)
            except ScheduleNotFound:
                continue  # deleted since, another principal's, or not one of agents
            if agent in (None, each.agent) and tenant in (None, each.tenant):
                found.append(each)
        return tuple(sorted(found, key=lambda each: each.id))

    async def show(self, id: str) -> ScheduleView:
        """Return a schedule with its next and its newest tasks.

        Raises:
            ScheduleNotFound: No schedule has that id, or you may not see it.
        """
        found, start = await self._described(id, "list")
        return reading.view(found, start)

    async def pause(self, id: str, *, note: str = "") -> ScheduleView:
        """Start no more tasks until ``resume``; a running one goes on."""
        await self._call((await self._handle(id)).pause(note=note or "paused"), id)
        return await self.show(id)

    async def resume(self, id: str, *, note: str = "") -> ScheduleView:
        """Start tasks again from the next time on."""
        await self._call((await self._handle(id)).unpause(note=note or "resumed"), id)
        return await self.show(id)

    async def trigger(self, id: str) -> ScheduleView:
        """Start a task now, by the overlap policy."""
        await self._call((await self._handle(id)).trigger(), id)
        return await self.show(id)

    async def delete(self, id: str) -> None:
        """Delete a schedule; a running task goes on."""
        await self._call((await self._handle(id)).delete(), id)

    async def _ids(self) -> AsyncGenerator[str]:
        """The schedules that start sessions; each has to be described, so others are left out before."""
        async for each in await self._call(self._requests.temporal.list_schedules(), ""):
            action = each.schedule.action if each.schedule else None
            if not isinstance(action, ScheduleListActionStartWorkflow) or action.workflow == names.WORKFLOW:
                yield each.id

    async def replace(self, id: str, wanted: Schedule) -> None:
        """Create a schedule of Temporal, or replace one of the same owner; ``client.schedule`` makes it."""
        temporal, action = self._requests.temporal, wanted.action
        assert isinstance(action, ScheduleActionStartWorkflow)
        attributes = action.typed_search_attributes
        try:
            await self._call(temporal.create_schedule(id, wanted, search_attributes=attributes), id)
        except ScheduleAlreadyRunningError:
            try:
                found, _ = await self._described(id, "start")
            except ScheduleNotFound:
                raise BadInput(f"the id {id!r} is taken; use another one") from None
            if reading.owner_of(found.typed_search_attributes) != reading.owner_of(attributes):
                raise BadInput(f"schedule {id!r} is another tenant's or user's; use another id") from None

            def updated(_: ScheduleUpdateInput) -> ScheduleUpdate:
                return ScheduleUpdate(wanted, search_attributes=attributes)

            await self._call(temporal.get_schedule_handle(id).update(updated), id)

    async def _handle(self, id: str) -> ScheduleHandle:
        """The handle of a schedule that the client's principal may change."""
        await self._described(id, "cancel")
        return self._requests.temporal.get_schedule_handle(id)

    async def _described(self, id: str, operation: Operation) -> tuple[ScheduleDescription, StartInput]:
        temporal = self._requests.temporal
        found = await self._call(temporal.get_schedule_handle(messages.checked_id(id)).describe(), id)
        start = await reading.start_of(temporal, found)
        if start is None:
            raise ScheduleNotFound(preview(id))
        if self._requests.grants is not None:
            # The server takes requests of every client, so the owner is checked here.
            owner = reading.owner_of(found.typed_search_attributes)
            try:
                access.check_session(await self._requests.principal(), operation, id, owner)
            except SessionNotFound:
                raise ScheduleNotFound(preview(id)) from None
        return found, start

    async def _call(self, request: Awaitable[T], id: str) -> T:
        try:
            return await bounded(_of(request), self._requests.timeout)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                raise ScheduleNotFound(preview(id)) from error
            raise translate(error) from error
        except TimeoutError as error:
            raise translate(error) from error


async def _of(request: Awaitable[T]) -> T:
    return await request
