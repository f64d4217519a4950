"""A fleet of many items, while a worker is killed every five seconds."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from holdfast import Budget, Fleet, FleetReport
from holdfast_workflows.contracts.errors import ServiceError
from holdfast_workflows.contracts.names import run_account

from .. import ledger
from ..driving import STUCK
from ..fleet_script import CALLS, READ, WRITTEN
from ..oracle import requests
from ..processes import Options, World, world
from ..program import LAST_WORD
from ..report import Row

EVERY = 5.0
"""Seconds between kills."""

_ITEM = CALLS * (READ + WRITTEN)
"""Tokens of each item."""

_CALL = 20_000
"""Tokens that one call reserves at most."""


async def run(options: Options) -> Row:
    """Every item happens once, and the report and the budget are exact."""
    return await _row("fleet", options, "")


async def careless(options: Options) -> Row:
    """The same without the effect ledger."""
    return await _row("fleet-careless", options, "ledger")


async def _row(name: str, options: Options, careless: str) -> Row:
    row, items = Row(name, options), [f"item-{options.seed}-{number}" for number in range(options.runs)]
    async with world(options, script="tests.chaos.fleet_script:script", careless=careless) as up:
        fleet = await up.client.fleets.start(
            "clerk",
            items,
            concurrency=options.at_once,
            budget=Budget(tokens=options.runs * _ITEM + options.at_once * _CALL),
            heartbeat_timeout=options.heartbeat_timeout,
        )
        report = await _watched(up, fleet)
        row.counts |= {"items": len(items), "done": report.done, "retried": report.retried}
        row.counts |= {"kills": len(up.fleet.kills), "spared": up.fleet.spared}
        await _judge(row, up, fleet, report, items)
    return row


async def _watched(up: World, fleet: Fleet) -> FleetReport:
    """Kill workers until the fleet has ended, or has made no progress for a while."""
    ended = asyncio.create_task(_last(fleet))
    while not ended.done():
        await asyncio.wait({ended}, timeout=EVERY)
        if not ended.done():
            await up.fleet.kill()
    return await ended


async def _last(fleet: Fleet) -> FleetReport:
    while True:
        async with asyncio.timeout(None) as limit:
            with suppress(ServiceError):  # no worker answers right now
                async for report in fleet.watch():
                    limit.reschedule(asyncio.get_running_loop().time() + STUCK)
                    if report.status == "done":
                        return report
        await asyncio.sleep(0.5)


async def _judge(row: Row, up: World, fleet: Fleet, report: FleetReport, items: list[str]) -> None:
    results = [result async for result in fleet.results()]
    row.forbid("not done", [f"{e.id}: {e.error}" for e in results if e.text != LAST_WORD], len(items))
    found = ledger.account(up.ledger)
    row.forbid("effects missing", [each for each in items if not found.keys[each]], len(items))
    row.forbid("effects repeated", [each for each in items if found.keys[each] > 1], len(items))
    row.counts["attempts"] = sum(found.attempts.values())
    row.counts["model requests"] = len(requests(up.requests))
    counted = (report.total, report.done, report.pending + report.running + report.failed + report.cancelled)
    wrong = [] if counted == (len(items), len(items), 0) else [str(report)]
    row.forbid("report wrong", wrong, 1)
    [account] = await up.client.budgets(prefix=run_account(fleet.id))
    used = {
        "account": account.tokens,
        "report": report.usage.input_tokens + report.usage.output_tokens,
        "results": sum(each.usage.input_tokens + each.usage.output_tokens for each in results),
    }
    row.counts |= used
    row.forbid("tokens wrong", [f"{k} {v}" for k, v in used.items() if v != len(items) * _ITEM], 3)
