"""SIGKILL at every position of a short run, in turn; each run completes and does everything once.

``make test`` takes every third position, ``make sweep`` all of them.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import pytest

from holdfast.testing import Reply, Request, call, say
from holdfast_workflows.contracts.session import TaskResult

from .conftest import Make
from .world import Handle, World, done, kill, length, ready, stop_when

EVERY = 1 if os.environ.get("SWEEP") == "full" else 3
LANES = 4
STEP_OF = {0: 1, 1: 2, 3: 3}
"""The step by the tool results in its prompt."""


def script(request: Request) -> Reply:
    if request.results == 0:
        return call("post", {"what": "first"})
    if request.results == 1:
        return call("post", {"what": "left"}) + call("post", {"what": "right"})
    return say("Posted.")


@dataclass
class Position:
    """Where the worker is killed: when so many events, requests, attempts or rows are there."""

    kind: str
    count: int

    async def reached(self, world: World, handle: Handle) -> bool:
        match self.kind:
            case "event":
                return await length(handle) >= self.count
            case "request":
                return world.asked(handle.id).total() >= self.count
            case "attempt":
                return world.ledger.tried(handle.id) >= self.count
            case _:
                return len(world.log(handle.id)) >= self.count


@dataclass
class Fate:
    """What became of a run: how many events it had at the kill, and what was not as promised."""

    position: Position
    at: int
    complaints: list[str]


async def lane(world: World, positions: Sequence[Position]) -> list[Fate]:
    """Take positions one after the other; each kill is survived by the worker that the next one hits."""
    queue = f"sweep-{uuid.uuid4().hex}"
    fates: list[Fate] = []
    async with AsyncExitStack() as stack:
        worker = await ready(await stack.enter_async_context(world.worker(queue)))
        for position in positions:
            id = f"{position.kind}-{position.count}-{uuid.uuid4().hex[:8]}"
            handle = await world.begin(queue, id)
            await stop_when(worker, partial(position.reached, world, handle))
            await kill(worker)
            answered = {row["step"] for row in world.log(id) if row["kind"] == "reply"}
            before, at = world.asked(id), await length(handle)
            worker = await ready(await stack.enter_async_context(world.worker(queue)))
            result = await done(handle)
            again = [
                f"step {step} was settled and asked for again"
                for results, step in STEP_OF.items()
                if step in answered and world.asked(id)[results] != before[results]
            ]
            fates.append(Fate(position, at, [*complaints(world, id, result), *again]))
    return fates


def complaints(world: World, id: str, result: TaskResult) -> Iterator[str]:
    """What a run did not do as promised, whatever happened to it."""
    if result.last is None or (result.last.status, result.last.reply) != ("done", "Posted."):
        yield f"ended with {result.last}"
    if world.ledger.of(id) != ["first", "left", "right"]:
        yield f"the ledger has {world.ledger.of(id)}"
    kinds = [row["kind"] for row in world.log(id)]
    if kinds != ["user", "reply", "result", "reply", "result", "result", "reply"]:
        yield f"the log has {kinds}"


async def undisturbed(world: World) -> int:
    """How many events a run has that nobody disturbs."""
    queue = f"sweep-{uuid.uuid4().hex}"
    async with world.worker(queue) as worker:
        await ready(worker)
        handle = await world.begin(queue, f"undisturbed-{uuid.uuid4().hex[:8]}")
        assert list(complaints(world, handle.id, await done(handle))) == []
        assert set(world.asked(handle.id).values()) == {1}
        return await length(handle)


@pytest.mark.timeout(400)
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
        lanes = await asyncio.gather(*(lane(there, chosen[n::LANES]) for n in range(LANES)))
    fates = [fate for each in lanes for fate in each]
    assert [fate for fate in fates if fate.complaints] == []
    assert len(fates) == len(chosen)
    # Events come in batches, so that neighbours are one moment; but the moments differ.
    assert len({fate.at for fate in fates}) > len(fates) // 3
