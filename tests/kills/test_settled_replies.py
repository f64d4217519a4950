"""A model call whose reply is in the log is never paid for again, wherever the worker dies."""

from __future__ import annotations

import uuid
from contextlib import AsyncExitStack

from holdfast.testing import Reply, Request, call, say

from .conftest import Make
from .world import Handle, World, done, kill, pending, ready, stop_when

_TRIES = 5
_REPLY = 2  # the log's number of the first reply


def script(request: Request) -> Reply:
    return call("post", {"what": "it"}) if request.results == 0 else say("Posted.")


async def killed_before_it_told(world: World, stack: AsyncExitStack, queue: str) -> Handle:
    """A run whose worker died when its first reply was in the log, but not known to the server."""
    for _ in range(_TRIES):
        worker = await ready(await stack.enter_async_context(world.worker(queue)))
        handle = await world.begin(queue, f"window-{uuid.uuid4().hex[:8]}")

        async def settled(session: str = handle.id) -> bool:
            return len(world.log(session)) >= _REPLY

        await stop_when(worker, settled)
        untold = await pending(handle) == ["think"]
        await kill(worker)
        if untold and len(world.log(handle.id)) == _REPLY:
            assert world.asked(handle.id) == {0: 1}
            return handle
        await handle.terminate("the window was missed")
    raise AssertionError(f"the window was missed {_TRIES} times")


async def test_a_second_attempt_finds_the_reply_in_the_log_and_asks_no_model(
    world: Make, task_queue: str
) -> None:
    async with world(script) as there, AsyncExitStack() as stack:
        handle = await killed_before_it_told(there, stack, task_queue)
        async with there.worker(task_queue):
            result = await done(handle)
        assert result.last is not None
        assert result.last.reply == "Posted."
        assert there.asked(handle.id) == {0: 1, 1: 1}
        assert there.ledger.of(handle.id) == ["it"]


async def test_without_the_reply_in_the_log_the_model_is_asked_again(world: Make, task_queue: str) -> None:
    async with world(script) as there, AsyncExitStack() as stack:
        handle = await killed_before_it_told(there, stack, task_queue)
        there.lose(handle.id, _REPLY)
        async with there.worker(task_queue):
            await done(handle)
        assert there.asked(handle.id) == {0: 2, 1: 1}
