"""Workers die by SIGKILL, one every three seconds, and are replaced."""

from __future__ import annotations

from ..histories import recoveries
from ..passing import undertake
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
    row = Row(name, options)
    async with world(options, careless=careless) as up:
        found = await undertake(row, up, programs(options.seed, options.runs), lambda: EVERY, up.fleet.kill)
        row.counts |= {"kills": len(up.fleet.kills), "spared": up.fleet.spared}
        row.time("recovery", recoveries(up.fleet.kills, found), p95=RECOVERY)
    return row
