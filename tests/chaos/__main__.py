"""``python -m tests.chaos``: run scenarios, print a line for each, and add it to ``report/chaos.jsonl``."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable

from .processes import Options
from .report import Row
from .scenarios import budget, dead, faults, fleet, kills, memory, operations, postgres, server, team, tracing

Scenario = Callable[[Options], Awaitable[Row]]

SCENARIOS: dict[str, Scenario] = {
    "kills": kills.run,
    "server": server.run,
    "postgres": postgres.run,
    "faults": faults.run,
    "dead": dead.run,
    "budget": budget.run,
    "memory": memory.run,
    "fleet": fleet.run,
    "operations": operations.run,
    "team": team.run,
    "tracing": tracing.run,
}

CARELESS: dict[str, Scenario] = {
    "kills-careless": kills.careless,
    "server-careless": server.careless,
    "postgres-careless": postgres.careless,
    "faults-careless": faults.careless,
    "dead-careless": dead.careless,
    "budget-careless": budget.careless,
    "memory-careless": memory.careless,
    "team-careless": team.careless,
    "fleet-careless": fleet.careless,
    "tracing-careless": tracing.careless,
}
"""With a protection off: these miss their targets, or the targets show nothing."""


def main() -> int:
    """Run what the command line asks for; 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    known = [*SCENARIOS, *CARELESS]
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(known))
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=60, help="runs in flight")
    parser.add_argument(
        "--url", default="", help="a state database with its tables, in place of a SQLite file"
    )
    given = parser.parse_args()
    if unknown := set(given.scenarios) - set(known):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    options = Options(
        seed=given.seed, runs=given.runs, workers=given.workers, url=given.url, at_once=given.at_once
    )
    # A pass that is told to stop takes its processes with it, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    missed = 0
    for name in given.scenarios or known:
        row = asyncio.run(timed((SCENARIOS | CARELESS)[name], options))
        row.write()
        print(row.line, *row.detail, sep="\n  ", flush=True)
        # A protection that is off and not missed means that the row could not have failed.
        missed += bool(row.missed) != (name in CARELESS)
    return int(missed > 0)


async def timed(scenario: Scenario, options: Options) -> Row:
    """A scenario's row, with the seconds it took."""
    began = time.monotonic()
    row = await scenario(options)
    row.wall = time.monotonic() - began
    return row


if __name__ == "__main__":
    sys.exit(main())
