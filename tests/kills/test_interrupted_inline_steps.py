"""Pause and cancel interrupt inline steps within two seconds of the current step's end.

Measured by the timestamps of history and log, which are of one machine here.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from holdfast.testing import Reply, Request, call, say

from ..workers.running import eventually
from .conftest import Make
from .world import BOUND, Handle, World, done, pending, ready

WITHIN = 2.0
TRIES = 3
_PACE = 0.5  # seconds per step; without an interruption the activity makes eight steps
_ENDS = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED,
}


def script(request: Request) -> Reply:
    if request.results >= 10:
        return say("Read.")
    return call("peek", {"at": request.results + 1}).but(delay=_PACE)


def seconds(event: HistoryEvent) -> float:
    """When an event happened, since 1970."""
    return event.event_time.ToNanoseconds() / 1e9


@dataclass
class Timing:
    """Times of the request, of the current step's end and of the activity's end, in seconds since 1970."""

    requested: float
    step_ended: float
    ended: float


async def measured(world: World, handle: Handle) -> Timing:
    """Read the times after the activity has ended."""
    async with asyncio.timeout(BOUND):
        while await pending(handle):  # noqa: ASYNC110 # the server sets no event of ours
            await asyncio.sleep(0.05)
    events = (await handle.fetch_history()).events
    updates = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
    requested = min(seconds(each) for each in events if each.event_type == updates)
    ended = min(seconds(each) for each in events if each.event_type in _ENDS and seconds(each) > requested)
    after = [row["at"] for row in world.log(handle.id) if row["kind"] == "result" and row["at"] > requested]
    return Timing(requested, min(after, default=requested + _PACE), ended)


def in_time(timing: Timing, requests: int) -> bool:
    """Return whether the activity ended soon after the step, and before its eighth step."""
    return timing.ended - timing.step_ended < WITHIN and requests < 8


async def test_a_pause_takes_effect_within_two_seconds_of_the_step(world: Make, task_queue: str) -> None:
    async def paused(there: World) -> bool:
        handle = await there.begin(task_queue, f"pause-{uuid.uuid4().hex[:8]}", agent="reader")
        await eventually(lambda: there.asked(handle.id)[1] == 1)
        session = await there.session(handle)
        await session.pause()
        timing = await measured(there, handle)
        view = await session.view()
        requests = there.asked(handle.id).total()
        assert all(row["at"] <= timing.ended for row in there.log(handle.id))
        assert (view.status, view.step) == ("paused", requests)
        await session.resume()
        result = await done(handle)
        assert result.last is not None
        assert (result.last.reply, result.last.steps) == ("Read.", 11)
        assert set(there.asked(handle.id).values()) == {1}
        return in_time(timing, requests)

    async with world(script) as there, there.worker(task_queue) as worker:
        await ready(worker)
        assert await once_in(TRIES, lambda: paused(there))


@pytest.mark.slow
async def test_a_cancel_takes_effect_within_two_seconds_of_the_step(world: Make, task_queue: str) -> None:
    async def cancelled(there: World) -> bool:
        handle = await there.begin(
            task_queue, f"cancel-{uuid.uuid4().hex[:8]}", agent="reader", mode="conversation"
        )
        await eventually(lambda: there.asked(handle.id)[1] == 1)
        session = await there.session(handle)
        assert (await session.cancel("enough")).status == "cancelled"
        timing = await measured(there, handle)
        assert all(row["at"] <= timing.ended for row in there.log(handle.id))
        return in_time(timing, there.asked(handle.id).total())

    async with world(script) as there, there.worker(task_queue) as worker:
        await ready(worker)
        assert await once_in(TRIES, lambda: cancelled(there))


async def once_in(tries: int, shown: Callable[[], Awaitable[bool]]) -> bool:
    """Return whether one of several tries succeeds, since a busy machine delays some."""
    for _ in range(tries):
        if await shown():
            return True
    return False
