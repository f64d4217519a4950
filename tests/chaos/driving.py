"""Start the runs and wait for each. A pass without progress is dumped and ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from temporalio.service import RPCError

from holdfast_workflows.contracts.errors import HoldfastError, NoWorker, SessionBusy, TemporalUnreachable
from holdfast_workflows.contracts.session.session import Message, StartInput

from .processes import World
from .program import Program

T = TypeVar("T")

STUCK = 120.0
"""Seconds without any progress after which a pass is given up."""

DUMPS = Path("report/chaos-stuck")

_LATER = (TemporalUnreachable, NoWorker, SessionBusy)  # the request can be repeated


@dataclass(frozen=True)
class Ended:
    """How a run ended. ``code`` is the error code, "" without an error, "lost" if it did not end."""

    id: str
    text: str = ""
    code: str = ""
    detail: str = ""


async def drive(
    world: World,
    runs: Sequence[Program],
    agent: Callable[[Program], str] = lambda _: "clerk",
    tenant: str = "",
) -> list[Ended]:
    """Start all runs, at most ``at_once`` at a time, and wait for their ends."""
    room = asyncio.Semaphore(world.options.at_once)
    ends: dict[str, Ended] = {}

    async def one(run: Program) -> None:
        async with room:
            ends[run.id] = await _one(world, run.id, agent(run), tenant)

    tasks = [asyncio.create_task(one(run)) for run in runs]
    try:
        await _until_done_or_stuck(world, tasks, ends)
        for run in runs:
            if run.id not in ends:
                await _dump(world, run.id)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [ends.get(run.id, Ended(run.id, code="lost")) for run in runs]


async def _one(world: World, id: str, agent: str, tenant: str) -> Ended:
    start = StartInput(
        agent=agent,
        tenant=tenant,
        mode="task",
        message=Message(id="first", text=id),
        heartbeat_timeout=world.options.heartbeat_timeout,
    )
    await _again(lambda: world.session_requests.start(id, start))
    try:
        reply = await _again(world.client.session(id).result)
    except HoldfastError as error:
        return Ended(id, code=error.code, detail=error.detail)
    return Ended(id, reply.text)


async def _again(ask: Callable[[], Awaitable[T]]) -> T:
    """Retry a request while no worker or server answers it."""
    while True:
        try:
            return await ask()
        except _LATER:
            await asyncio.sleep(0.5)


async def _until_done_or_stuck(
    world: World, tasks: Sequence[asyncio.Task[None]], ends: dict[str, Ended]
) -> None:
    """Wait until all runs ended, or until nothing happened for ``STUCK`` seconds."""
    clock = asyncio.get_running_loop().time
    seen, moved = (-1, -1), clock()
    while True:
        done, pending = await asyncio.wait(tasks, timeout=0.5)
        for task in done:
            task.result()  # a fault of the harness itself ends the pass
        now = (len(ends), world.requests.stat().st_size)
        if now != seen:
            seen, moved = now, clock()
        if not pending or clock() - moved > STUCK:
            return


async def _dump(world: World, id: str) -> None:
    """Write the history and the view of a run that did not end."""
    DUMPS.mkdir(parents=True, exist_ok=True)
    handle = world.session_requests.temporal.get_workflow_handle(id)
    with suppress(RPCError):
        history = await handle.fetch_history()
        (DUMPS / f"{id}.history.json").write_text(history.to_json())
    with suppress(HoldfastError):
        view = await world.client.session(id).view(0)
        (DUMPS / f"{id}.view.json").write_text(json.dumps(view.model_dump(mode="json"), indent=1))
