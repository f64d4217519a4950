"""Kill a worker at many positions of a run in turn, and judge each run from outside."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus

from holdfast_workflows.contracts.session.session import TaskResult

from .world import Handle, World, done, kill, length, ready, stop_when

PARALLEL = 4
"""Concurrent runs, each with its own task queue and worker. Most of a run is waiting for a timeout."""

Judge = Callable[[World, str, TaskResult], Iterable[str]]


@dataclass
class Position:
    """The position of a kill: after ``count`` events, requests, attempts or rows."""

    kind: str
    count: int

    async def reached(self, world: World, handle: Handle) -> bool:
        """Return whether a run is at the position or past it."""
        match self.kind:
            case "event":
                found = await handle.describe()
                # Calls that end together share a workflow task, so a run may have fewer events
                # than the undisturbed one had, and end before the count is reached.
                over = found.status != WorkflowExecutionStatus.RUNNING
                return over or found.history_length >= self.count
            case "request":
                return world.asked(handle.id).total() >= self.count
            case "attempt":
                return world.ledger.tried(handle.id) >= self.count
            case _:
                return len(world.log(handle.id)) >= self.count


@dataclass
class Fate:
    """The outcome of a run: its number of events at the kill, and what was not as promised."""

    position: Position
    at: int
    complaints: list[str]


async def sweep(world: World, agent: str, positions: Sequence[Position], judge: Judge) -> list[Fate]:
    """Kill a worker at each position, have another finish the run, and judge it."""
    shares = [positions[n::PARALLEL] for n in range(PARALLEL)]
    results = await asyncio.gather(*(_run_positions(world, agent, share, judge) for share in shares))
    return [fate for fates in results for fate in fates]


async def _run_positions(world: World, agent: str, positions: Sequence[Position], judge: Judge) -> list[Fate]:
    """Run the positions in turn; the worker started after one kill is the next to be killed."""
    queue = f"sweep-{uuid.uuid4().hex}"
    fates: list[Fate] = []
    async with AsyncExitStack() as stack:
        worker = await ready(await stack.enter_async_context(world.worker(queue)))
        for position in positions:
            id = f"{position.kind}-{position.count}-{uuid.uuid4().hex[:8]}"
            handle = await world.begin(queue, id, agent=agent)
            await stop_when(worker, partial(position.reached, world, handle))
            await kill(worker)
            at, answered, before = await length(handle), answered_steps(world, id), world.asked(id)
            worker = await ready(await stack.enter_async_context(world.worker(queue)))
            try:
                complaints = list(judge(world, id, await done(handle)))
            except TimeoutError:
                complaints = [await stuck(handle)]
            after = world.asked(id)
            complaints += [
                f"the reply to {step} results was settled and asked for again"
                for step in answered
                if after[step] != before[step]
            ]
            fates.append(Fate(position, at, complaints))
    return fates


async def stuck(handle: Handle) -> str:
    """Describe a run that did not end in time: its pending activities and last events."""
    waits = [
        f"{each.activity_type.name} in state {each.state}, attempt {each.attempt}"
        for each in (await handle.describe()).raw_description.pending_activities
    ]
    events = (await handle.fetch_history()).events[-8:]
    last = [f"{each.event_id} {EventType.Name(each.event_type)}" for each in events]
    return f"did not end: waits for {waits or 'nothing'}; last events {last}"


def answered_steps(world: World, id: str) -> list[int]:
    """The steps whose reply is in the log, named by the tool results before them, as ``World.asked`` does."""
    kinds = [row["kind"] for row in world.log(id)]
    return [kinds[:at].count("result") for at, kind in enumerate(kinds) if kind == "reply"]
