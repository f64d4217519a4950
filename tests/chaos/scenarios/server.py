"""The Temporal server dies by SIGKILL every twenty seconds or so, and starts again on its file."""

from __future__ import annotations

import random
import time

from ..driving import drive
from ..histories import histories, recoveries, told
from ..ledger import account
from ..monkeys import meanwhile
from ..oracle import judge, paid_twice, requests
from ..processes import Kill, Options, world
from ..program import programs
from ..report import Row


async def run(options: Options) -> Row:
    """Nothing is lost, and nothing happens twice."""
    row, runs = Row("server", options), programs(options.seed, options.runs)
    dice, kills = random.Random(f"{options.seed}/server"), list[Kill]()
    async with world(options) as up:

        async def strike() -> None:
            kills.append(Kill(up.server.info.pid, time.time()))
            await up.kill_server()

        async with meanwhile(lambda: dice.uniform(15, 25), strike):
            ends = await drive(up, runs)
        found = [told(each) for each in await histories(up.wire.temporal, [run.id for run in runs])]
        asked = requests(up.requests)
        row.counts["kills"] = len(kills)
        judge(row, runs, ends, account(up.ledger), len(asked))
        row.forbid("replies paid twice", list(paid_twice(asked, found, runs)), len(asked))
        row.time("recovery", recoveries(kills, found, everybody=True))
    return row
