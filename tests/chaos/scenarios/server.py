"""The Temporal server dies by SIGKILL every twenty seconds or so, and starts again on its file."""

from __future__ import annotations

import random
import time

from ..histories import recoveries
from ..passing import undertake
from ..processes import Kill, Options, world
from ..program import programs
from ..report import Row


async def run(options: Options) -> Row:
    """Nothing is lost, and nothing happens twice."""
    return await _row("server", options, memory=False)


async def careless(options: Options) -> Row:
    """The same with a server that keeps nothing on disk."""
    return await _row("server-careless", options, memory=True)


async def _row(name: str, options: Options, *, memory: bool) -> Row:
    row = Row(name, options)
    dice, kills = random.Random(f"{options.seed}/server"), list[Kill]()
    async with world(options, memory=memory) as up:

        async def strike() -> None:
            kills.append(Kill(0, time.time()))
            await up.kill_server()

        runs = programs(options.seed, options.runs)
        found = await undertake(row, up, runs, lambda: dice.uniform(15, 25), strike)
        row.counts["kills"] = len(kills)
        row.time("recovery", recoveries(kills, found, every_run=True))
    return row
