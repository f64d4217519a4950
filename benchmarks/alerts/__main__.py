"""``python -m benchmarks.alerts``: inject faults, and see that their alerts fire, arrive and clear.

``--speed 10`` divides all times of the rules and of the routing by ten. ``--normal 30`` runs normal load for so
many minutes instead, and every alert that fires is a failure. The outcome is written to ``benchmarks/ALERTS.md``.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import psutil

from tests.deploy.alerts.rule_tests import alerts

from .config import THRESHOLDS
from .faults import FAULTS, Injected, end, user
from .report import Seen, faults_text, kept_rows, normal_text, write
from .stack import Stack, stack

_USERS = 3
_WARM_UP = 60.0  # seconds at speed 10; the windows have to fill
_FIRES = 180.0  # seconds at speed 10 within which an alert must fire, and clear
_LEAK = 200e6
_RESIDENT = 150e6
_ALWAYS = "HoldfastWatchdog"


class Watch:
    """Reads the firing alerts twice a second, and keeps when each began and ended to fire."""

    def __init__(self, up: Stack) -> None:
        self._up = up
        self.firing = set[str]()
        self.began = dict[str, float]()
        self.ended = dict[str, float]()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Watch"]:
        """Read for the length of the block."""
        task = asyncio.create_task(self._read())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            now, firing = time.time(), await self._up.firing()
            self.began |= dict.fromkeys(firing - self.firing, now)
            self.ended |= dict.fromkeys(self.firing - firing, now)
            self.firing = firing
            await asyncio.sleep(0.5)


async def inject(up: Stack, watch: Watch, injected: Injected) -> list[Seen]:
    """Inject one fault, and wait until its alerts have fired, arrived and cleared."""
    longest = _FIRES * 10 / up.speed
    wanted = [name for name in injected.alerts if name not in injected.inhibited]
    arrived = up.receivers.channels
    began = time.time()
    async with injected.fault(up):
        await _until(lambda: all(watch.began.get(name, 0) > began for name in injected.alerts), longest)
        await _until(lambda: all(len(arrived(name, resolved=False, since=began)) == 2 for name in wanted), 60)
        ended = time.time()
    healed = time.time()
    await _until(lambda: not watch.firing & set(injected.alerts), longest)
    await _until(lambda: all(len(arrived(name, resolved=True, since=ended)) == 2 for name in wanted), 90)
    return [
        Seen(
            name,
            injected.name,
            fired=watch.began[name] - began if watch.began.get(name, 0) > began else None,
            cleared=watch.ended[name] - healed
            if watch.ended.get(name, 0) > began and name not in watch.firing
            else None,
            channels=arrived(name, resolved=False, since=began),
            resolved=arrived(name, resolved=True, since=ended),
            inhibited=name in injected.inhibited,
        )
        for name in injected.alerts
    ]


async def _until(done: Callable[[], bool], seconds: float) -> None:
    """Wait at most so long; the report shows what did not happen."""
    end = time.time() + seconds
    while not done() and time.time() < end:  # noqa: ASYNC110 # other processes set no event of ours
        await asyncio.sleep(0.2)


async def run_faults(speed: float, names: list[str]) -> bool:
    """Inject the faults one after the other."""
    leak = (_RESIDENT + _LEAK) / psutil.virtual_memory().total
    thresholds = {**THRESHOLDS, "HoldfastMemoryHigh": ("0.85", f"{leak:.4f}")}
    found, known = list[Seen](), alerts()
    async with stack(speed, thresholds) as up:
        await up.started()
        async with Watch(up).running() as watch:
            users = [asyncio.create_task(user(up)) for _ in range(_USERS)]
            await asyncio.sleep(_WARM_UP * 10 / speed)
            print("before any fault:", sorted(watch.firing), flush=True)
            for injected in FAULTS:
                if names and not any(name in injected.name for name in names):
                    continue
                for seen in await inject(up, watch, injected):
                    found.append(seen)
                    print(seen.row(known[seen.alert]["labels"]["severity"]), flush=True)
                print("still firing:", sorted(watch.firing - {_ALWAYS}), flush=True)
            await end(users)
            print("heartbeats:", up.receivers.heartbeats, flush=True)
    rows = {seen.alert: seen.row(known[seen.alert]["labels"]["severity"]) for seen in found}
    write("faults", faults_text(kept_rows() | rows, known, speed))
    return all(seen.good(known[seen.alert]["labels"]["severity"]) for seen in found)


async def run_normal(minutes: float) -> bool:
    """Run normal load at normal speed; no alert may fire."""
    async with stack(1, {}) as up:
        await up.started()
        async with Watch(up).running() as watch:
            users = [asyncio.create_task(user(up, pause=5)) for _ in range(_USERS)]
            await asyncio.sleep(minutes * 60)
            await end(users)
            turns = await up.query("sum by (outcome) (holdfast_turns_total)")
            counts = {each["metric"]["outcome"]: int(float(each["value"][1])) for each in turns}
    fired = sorted(watch.began.keys() - {_ALWAYS})
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
