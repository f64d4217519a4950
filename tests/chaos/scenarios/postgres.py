"""The state database is PostgreSQL, which is stopped for up to two seconds every five to forty."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace

from holdfast_activities.state import upgrade
from tests.postgres_server import PostgresServer

from ..histories import recoveries
from ..passing import undertake
from ..processes import Kill, Options, world
from ..program import programs
from ..report import Row


async def run(options: Options) -> Row:
    """Nothing is lost, and nothing happens twice."""
    return await _row("postgres", options, "")


async def careless(options: Options) -> Row:
    """The same without retries."""
    return await _row("postgres-careless", options, "retries")


async def _row(name: str, options: Options, careless: str) -> Row:
    row = Row(name, options)
    dice, stops = random.Random(f"{options.seed}/postgres"), list[Kill]()
    postgres = PostgresServer()
    await asyncio.to_thread(postgres.start)
    try:
        url = await postgres.create("chaos")
        await upgrade(url)
        async with world(replace(options, url=url), careless=careless) as up:

            async def strike() -> None:
                stops.append(Kill(0, time.time()))
                await asyncio.to_thread(postgres.halt)
                await asyncio.sleep(dice.uniform(0, 2))
                await asyncio.to_thread(postgres.go_on)

            runs = programs(options.seed, options.runs)
            found = await undertake(row, up, runs, lambda: dice.uniform(5, 40), strike)
            row.counts["stops"] = len(stops)
            row.time("recovery", recoveries(stops, found, every_run=True))
    finally:
        await asyncio.to_thread(postgres.stop)
    return row
