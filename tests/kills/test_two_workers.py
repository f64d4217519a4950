"""A worker that counted as lost comes back after another did its work."""

from __future__ import annotations

import asyncio
import signal
import uuid

import pytest
from temporalio.api.enums.v1 import EventType

from holdfast.testing import Reply, Request, say

from ..workers.running import eventually
from .conftest import Make
from .line import line


@pytest.mark.slow
async def test_a_worker_that_comes_back_late_changes_nothing(world: Make, task_queue: str) -> None:
    late = asyncio.Event()

    async def script(request: Request) -> Reply:
        if b"And now?" in request.body:
            return say("Still here.")
        if request.number > 1:
            return say("From the second.")
        await late.wait()
        return say("From the first.")

    async with (
        world(script) as there,
        line(there.address) as way,
        there.worker(task_queue, way.address) as first,
    ):
        handle = await there.begin(task_queue, f"late-{uuid.uuid4().hex[:8]}", mode="conversation")
        await eventually(lambda: len(there.model.requests) == 1)
        way.cut()
        async with there.worker(task_queue) as second:
            session = await there.session(handle)
            assert (await session.wait(1)).text == "From the second."
            late.set()
            way.mend()
            second.signal(signal.SIGTERM)
            assert await second.ended() == 0
        assert (await session.send("And now?")).text == "Still here."
        first.signal(signal.SIGTERM)  # it ends after its calls, including the late one
        assert await first.ended() == 0

        texts = [(row["kind"], row["text"]) for row in there.log(handle.id)]
        assert texts == [
            ("user", handle.id),
            ("reply", "From the second."),
            ("user", "And now?"),
            ("reply", "Still here."),
        ]
        prompt = there.model.requests[-1].body
        assert b"From the second." in prompt
        assert b"From the first." not in prompt
        events = (await handle.fetch_history()).events
        # The workflow handles the loss; it does not use up one of the call's attempts.
        assert EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT in [each.event_type for each in events]
        begun = [each.activity_task_started_event_attributes.attempt for each in events]
        assert set(begun) == {0, 1}
