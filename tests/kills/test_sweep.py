"""SIGKILL at every position of a short run, in turn; each run completes and does everything once.

``make test-slow`` takes every third position, ``make sweep`` all of them.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from holdfast.testing import Reply, Request, call, say
from holdfast_workflows.contracts.session.session import TaskResult

from .conftest import Make
from .sweep import Position, sweep
from .world import World, done, length, ready

EVERY = 1 if os.environ.get("SWEEP") == "full" else 3


def script(request: Request) -> Reply:
    if request.results == 0:
        return call("post", {"what": "first"})
    if request.results == 1:
        return call("post", {"what": "left"}) + call("post", {"what": "right"})
    return say("Posted.")


def judge(world: World, id: str, result: TaskResult) -> Iterator[str]:
    """List what a run did not do as promised."""
    if result.last is None or (result.last.status, result.last.reply) != ("done", "Posted."):
        yield f"ended with {result.last}"
    if world.ledger.of(id) != ["first", "left", "right"]:
        yield f"the ledger has {world.ledger.of(id)}"
    kinds = [row["kind"] for row in world.log(id)]
    if kinds != ["user", "reply", "result", "reply", "result", "result", "reply"]:
        yield f"the log has {kinds}"


async def undisturbed(world: World) -> int:
    """Return the number of events of a run without a kill."""
    queue = f"sweep-{uuid.uuid4().hex}"
    async with world.worker(queue) as worker:
        await ready(worker)
        handle = await world.begin(queue, f"undisturbed-{uuid.uuid4().hex[:8]}")
        assert list(judge(world, handle.id, await done(handle))) == []
        assert set(world.asked(handle.id).values()) == {1}
        return await length(handle)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_run_survives_sigkill_at_every_position_and_does_everything_once(world: Make) -> None:
    async with world(script) as there:
        events = await undisturbed(there)
        everywhere = [
            *(Position("event", n) for n in range(1, events)),
            *(Position("request", n) for n in range(1, 4)),
            *(Position("attempt", n) for n in range(1, 4)),
            *(Position("row", n) for n in range(1, 8)),
        ]
        chosen = everywhere[::EVERY]
        fates = await sweep(there, "clerk", chosen, judge)
    assert [fate for fate in fates if fate.complaints] == []
    assert len(fates) == len(chosen)
    # Events come in batches, so some adjacent positions are the same moment.
    assert len({fate.at for fate in fates}) >= len(fates) // 5
