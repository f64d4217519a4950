"""Workers die by SIGKILL, one every three seconds, and are replaced."""

from __future__ import annotations

from ..driving import drive
from ..histories import histories, recoveries, told
from ..ledger import account
from ..monkeys import meanwhile
from ..oracle import judge, paid_twice, requests
from ..processes import Options, world
from ..program import programs
from ..report import Row

EVERY = 3.0
RECOVERY = 15.0  # seconds


async def run(options: Options) -> Row:
    """Nothing is lost, and nothing happens twice."""
    return await _row("kills", options, "")


async def careless(options: Options) -> Row:
    """The same without the effect ledger."""
    return await _row("kills-careless", options, "ledger")


async def _row(name: str, options: Options, careless: str) -> Row:
    row, runs = Row(name, options), programs(options.seed, options.runs)
    async with world(options, careless=careless) as up:
        async with meanwhile(lambda: EVERY, up.fleet.kill):
            ends = await drive(up, runs)
        found = [told(each) for each in await histories(up.wire.temporal, [run.id for run in runs])]
        asked = requests(up.requests)
        row.counts["kills"] = len(up.fleet.kills)
        judge(row, runs, ends, account(up.ledger), len(asked))
        row.forbid("replies paid twice", list(paid_twice(asked, found, runs)), len(asked))
        row.time("recovery", recoveries(up.fleet.kills, found), p95=RECOVERY)
    return row
