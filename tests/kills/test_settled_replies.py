"""A model call whose reply is in the log is not repeated after a kill."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field

import pytest

from holdfast.testing import Reply, Request, call, say

from ..workers.running import eventually
from .conftest import Make
from .wire import Wire
from .world import BOUND, Handle, World, done, kill, ready

_REPLY = 2  # the log's number of the first reply


@dataclass
class Script:
    """A model whose replies wait for the test."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: Request) -> Reply:
        self.asked.set()
        async with asyncio.timeout(BOUND):
            await self.answer.wait()
        return call("post", {"what": "it"}) if request.results == 0 else say("Posted.")


async def killed_before_reporting(world: World, script: Script, queue: str) -> Handle:
    """Start a run whose worker dies after it logged the first reply and before it reported it."""
    async with Wire(world.address) as wire, world.worker(queue, wire.address) as worker:
        await ready(worker)
        handle = await world.begin(queue, f"window-{uuid.uuid4().hex[:8]}")
        async with asyncio.timeout(BOUND):
            await script.asked.wait()
        # From here on the worker can write its log, but not report to the server.
        wire.hold()
        script.answer.set()
        await eventually(lambda: len(world.log(handle.id)) == _REPLY)
        await kill(worker)
        assert world.asked(handle.id) == {0: 1}
    return handle


async def test_a_second_attempt_finds_the_reply_in_the_log_and_asks_no_model(
    world: Make, task_queue: str
) -> None:
    script = Script()
    async with world(script) as there:
        handle = await killed_before_reporting(there, script, task_queue)
        async with there.worker(task_queue):
            result = await done(handle)
        assert result.last is not None
        assert result.last.reply == "Posted."
        assert there.asked(handle.id) == {0: 1, 1: 1}
        assert there.ledger.of(handle.id) == ["it"]


@pytest.mark.slow
async def test_without_the_reply_in_the_log_the_model_is_asked_again(world: Make, task_queue: str) -> None:
    script = Script()
    async with world(script) as there:
        handle = await killed_before_reporting(there, script, task_queue)
        there.lose(handle.id, _REPLY)
        async with there.worker(task_queue):
            await done(handle)
        assert there.asked(handle.id) == {0: 2, 1: 1}
