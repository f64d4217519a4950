"""Misbehaving tools fail their own call only, and the worker still ends in time."""

from __future__ import annotations

import signal
import time
import uuid

import pytest

from holdfast.testing import Reply, Request, call, say

from ..workers.running import eventually as seen
from .conftest import Make
from .rude import LEFT, RAISED, RETURNED
from .world import World, done, ready

APP = "tests.kills.rude:app"

ALL = [
    *(("rude", what) for what in (*RAISED, *RETURNED, *LEFT)),
    *(("rude_thread", what) for what in (*RAISED, *RETURNED, "thread")),
]


def script(request: Request) -> Reply:
    """One session tries every misbehaviour, one blocks the event loop, one makes a slow call."""
    kind = request.conversation.split("-")[0]
    if kind == "rude" and request.results < len(ALL):
        name, what = ALL[request.results]
        return call(name, {"what": what})
    if kind in ("blocks", "hangs") and request.results == 0:
        return call("block", {"seconds": 6 if kind == "blocks" else 600})
    if kind == "looks" and request.results == 0:
        return call("look", {"seconds": 8})
    return say("Done.")


def named(kind: str) -> str:
    """Return a session id that starts with its kind."""
    return f"{kind}-{uuid.uuid4().hex[:8]}"


def results(world: World, id: str) -> list[tuple[str, str]]:
    """Return status and text of a session's results."""
    return [(row["status"], row["text"]) for row in world.log(id) if row["kind"] == "result"]


async def test_what_a_tool_raises_or_returns_affects_its_own_call_only(world: Make, task_queue: str) -> None:
    async with world(script) as there, there.worker(task_queue, app=APP) as worker:
        await ready(worker)
        handle = await there.begin(task_queue, named("rude"))
        last = await done(handle)
        assert last.turns == 1
        came = dict(zip(ALL, results(there, handle.id), strict=True))
        for (name, what), (status, text) in came.items():
            well = what in LEFT or what == "nan"
            assert status == ("ok" if well else "failed"), (name, what, text)
        assert "sys.exit(7)" in came["rude", "SystemExit"][1]
        assert worker.process.returncode is None
        # Other sessions are served, and the worker ends in time despite the leftovers.
        assert (await done(await there.begin(task_queue, named("plain")))).turns == 1
        worker.signal(signal.SIGTERM)
        assert await worker.ended(25) == 0


@pytest.mark.slow
async def test_a_blocked_event_loop_repeats_no_other_call(world: Make, task_queue: str) -> None:
    async with world(script) as there, there.worker(task_queue, app=APP) as worker:
        await ready(worker)
        looks = await there.begin(task_queue, named("looks"), heartbeat_timeout=4.0)
        await seen(lambda: there.ledger.tried(looks.id) == 1)
        blocks = await there.begin(task_queue, named("blocks"), heartbeat_timeout=4.0)
        said = await worker.said("the event loop is blocked in tool block of session blocks-")
        assert "rude.py:" in said
        await done(blocks)
        await done(looks)
        assert there.ledger.tried(looks.id) == 1
        assert results(there, blocks.id) == [("ok", "blocked")]


@pytest.mark.slow
@pytest.mark.parametrize("signals", [1, 2])
async def test_a_worker_whose_event_loop_is_blocked_ends_on_sigterm(
    world: Make, task_queue: str, signals: int
) -> None:
    async with world(script) as there, there.worker(task_queue, app=APP) as worker:
        await ready(worker)
        await there.begin(task_queue, named("hangs"))
        await worker.said("the event loop is blocked in")
        began = time.monotonic()
        for _ in range(signals):
            worker.signal(signal.SIGTERM)
            await seen(lambda: time.monotonic() - began > 0.5)
        assert await worker.ended(25) == (1 if signals == 1 else 128 + signal.SIGTERM)
