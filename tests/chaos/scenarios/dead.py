"""A provider is dead for a minute while many runs are under way."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from ...workers.running import eventually
from ..dead_script import switch
from ..driving import drive
from ..ledger import account
from ..oracle import judge, requests
from ..processes import Options, World, world
from ..program import Program, programs
from ..report import Row

DEAD = 60.0  # seconds
LATE = 5  # requests that may be on their way when the breaker opens
PROBES = 3


async def run(options: Options) -> Row:
    """While its breaker is open hardly a request reaches the provider, and nothing is lost."""
    return await _row("dead", options, "")


async def careless(options: Options) -> Row:
    """The same without breakers."""
    return await _row("dead-careless", options, "breakers")


def agent(run: Program) -> str:
    """Every other run has a second provider."""
    return ("alone", "backed")[int(run.id.rpartition("-")[2]) % 2]


async def _row(name: str, options: Options, careless: str) -> Row:
    # All runs are under way at once: that is what a dead provider meets.
    options = replace(options, at_once=options.runs)
    row, runs = Row(name, options), programs(options.seed, options.runs)
    async with world(options, script="tests.chaos.dead_script:script", careless=careless) as up:
        driven = asyncio.create_task(drive(up, runs, agent))
        died, opened = await _die(up, options.runs)
        ends = await driven
        asked = requests(up.requests)
        reached = [each["at"] for each in asked if each["dead"]]
        judge(row, runs, ends, account(up.ledger), len(asked), {})
        row.counts["requests until open"] = sum(1 for at in reached if at <= opened)
        row.at_most("requests while open", sum(1 for at in reached if at > opened), LATE + PROBES)
        row.counts["opened after"] = round(opened - died, 3)
        row.counts["requests to the other"] = sum(1 for each in asked if each["provider"] == "anthropic")
        row.forbid(
            "alone and not parked",
            [each["run"] for each in asked if each["provider"] == "anthropic" and _alone(each["run"], runs)],
            len(asked),
        )
    return row


def _alone(id: str, runs: list[Program]) -> bool:
    return any(run.id == id and agent(run) == "alone" for run in runs)


async def _die(up: World, runs: int) -> tuple[float, float]:
    """Be dead for a minute once all runs are under way: when that began, and when the breaker opened."""
    await eventually(lambda: len({each["run"] for each in requests(up.requests)}) == runs, 120)
    died = time.time()
    switch(up.requests).touch()
    opened = died + DEAD
    while time.time() < died + DEAD:
        times = [each.opened for each in await up.client.breakers() if each.state == "open"]
        opened = min([opened, *times])
        await asyncio.sleep(1)
    switch(up.requests).unlink()
    return died, opened
