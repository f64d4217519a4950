"""``python -m benchmarks.alerts``: inject faults, and see that their alerts fire, arrive and clear.

``--speed 10`` divides all times of the rules and of the routing by ten. ``--normal 30`` runs normal load for so
many minutes instead, and every alert that fires is a failure. The outcome is written to ``benchmarks/ALERTS.md``.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import psutil

from tests.deploy.alerts.rule_tests import alerts

from .config import THRESHOLDS
from .faults import FAULTS
from .injecting import Run
from .report import Others, Seen, faults_text, kept, normal_text, write
from .stack import stack
from .users import User, working
from .watch import Watch

_USERS = 3
_WARM_UP = 60.0  # seconds at speed 10; the windows have to fill
_LEAK = 200e6
_RESIDENT = 250e6


async def run_faults(speed: float, names: list[str]) -> bool:
    """Inject the faults, one group after the other."""
    leak = (_RESIDENT + _LEAK) / psutil.virtual_memory().total
    thresholds = {**THRESHOLDS, "HoldfastMemoryHigh": {"0.85": f"{leak:.4f}"}}
    rules = alerts()

    def save(seen: list[Seen], others: list[Others]) -> None:
        write("faults", faults_text(kept(seen, others), rules, speed))

    wanted = [each for each in FAULTS if not names or any(name in each.name for name in names)]
    async with stack(speed, thresholds) as up:
        await up.started()
        async with Watch(up).running() as watch, working(up, User(), _USERS):
            run = Run(up, watch, rules, save)
            await asyncio.sleep(_WARM_UP * 10 / speed)
            print("before any fault:", sorted({each.name for each in watch.firing()}), flush=True)
            for group in sorted({each.group for each in wanted}):
                await run.group([each for each in wanted if each.group == group])
            print("heartbeats:", up.receivers.heartbeats, flush=True)
    return all(each.good for each in run.seen)


async def run_normal(minutes: float) -> bool:
    """Run normal load at normal speed; no alert may fire."""
    async with stack(1, {}) as up:
        await up.started()
        async with Watch(up).running() as watch:
            async with working(up, User(pause=5), _USERS):
                await asyncio.sleep(minutes * 60)
            turns = await up.query("sum by (outcome) (holdfast_turns_total)")
            counts = {each["metric"]["outcome"]: int(float(each["value"][1])) for each in turns}
    fired = sorted({each.name for each in watch.periods})
    print(f"{minutes:g} minutes, turns {counts}, heartbeats {up.receivers.heartbeats}, fired: {fired}")
    write("normal", normal_text(minutes, counts, fired))
    return not fired


def main() -> None:
    """Run the faults or the normal load; exit code 1 if an alert did what it should not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fault", nargs="*", help="only faults whose names contain one of these")
    parser.add_argument("--speed", type=float, default=10, help="what times are divided by")
    parser.add_argument("--normal", type=float, default=0, help="minutes of normal load, without faults")
    options = parser.parse_args()
    work = run_normal(options.normal) if options.normal else run_faults(options.speed, options.fault)
    sys.exit(0 if asyncio.run(_until_stopped(work)) else 1)


async def _until_stopped(work: Coroutine[Any, Any, bool]) -> bool:
    """Do the work; SIGTERM ends it with all its processes."""
    task = asyncio.create_task(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


if __name__ == "__main__":
    main()
