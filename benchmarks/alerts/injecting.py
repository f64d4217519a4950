"""Inject a fault, and see what its alerts do."""

import asyncio
import re
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from .config import SECONDS
from .faults import Alerts, Injected
from .report import Others, Seen
from .stack import Stack
from .watch import Firing, Watch

_SLACK = 150.0  # seconds that an alert may take besides the times of its rule
_LONGEST = 900.0
_ARRIVES = 90.0
_CHANNELS = 2
_QUIET = 120.0


def longest(rule: Mapping[str, Any], speed: float) -> float:
    """Seconds within which an alert must fire, and clear: twice the times of its rule, and some more."""
    times = re.findall(r"\b(\d+)([smhd])\b", f"{rule['expr']} {rule.get('for', '')}")
    seconds = sum(int(number) * SECONDS[unit] for number, unit in times)
    return min(_LONGEST, _SLACK + 2 * seconds / speed)


class Run:
    """Injects faults into a stack."""

    def __init__(
        self,
        up: Stack,
        watch: Watch,
        rules: Mapping[str, Mapping[str, Any]],
        save: Callable[[list[Seen], list[Others]], None],
    ) -> None:
        self._up = up
        self._watch = watch
        self._rules = rules
        self._save = save
        self.seen = list[Seen]()
        self.others = list[Others]()

    async def group(self, faults: list[Injected]) -> None:
        """Inject faults at the same time, and wait until nothing fires any more."""
        known = {name: labels for each in faults for name, labels in each.alerts.items()}
        follow = {name for each in faults for name in each.follows}
        await asyncio.gather(*(self._inject(each, known, follow) for each in faults))
        await _until(lambda: not self._watch.firing(), _QUIET)
        left = sorted({each.name for each in self._watch.firing()})
        print("still firing:", ", ".join(left) or "nothing", flush=True)

    async def _inject(self, injected: Injected, known: Alerts, follow: set[str]) -> None:
        began = time.time()
        healed = began
        within = max(longest(self._rules[name], self._up.speed) for name in injected.alerts)
        try:
            async with injected.fault(self._up):
                await _until(
                    lambda: all(self._periods(injected, name, began) for name in injected.alerts), within
                )
                await _until(lambda: self._arrived(injected, began, resolved=False), _ARRIVES)
                healed = time.time()
        except Exception:  # noqa: BLE001 # the other faults go on, and the report shows what did not happen
            traceback.print_exc()
        healed = max(healed, began)
        ended = time.time()
        await _until(lambda: self._over(injected, healed), within + _ARRIVES)
        for name in injected.alerts:
            seen = self._seen(injected, name, began, healed, ended)
            self.seen.append(seen)
            print(seen.row, flush=True)
        found = self._watch.others(began, known)
        self.others.append(Others(injected.name, found & {*injected.follows}, found - follow))
        self._save(self.seen, self.others)

    def _periods(self, injected: Injected, name: str, since: float) -> list[Firing]:
        return self._watch.of(name, injected.alerts[name], since)

    def _fires(self, injected: Injected, name: str) -> bool:
        return any(each.fits(name, injected.alerts[name]) for each in self._watch.firing())

    def _over(self, injected: Injected, healed: float) -> bool:
        """Whether all has cleared and was resolved; an alert may fire again while queues empty."""
        fires = any(self._fires(injected, name) for name in injected.alerts)
        return not fires and self._arrived(injected, healed, resolved=True)

    def _arrived(self, injected: Injected, since: float, *, resolved: bool) -> bool:
        arrived = self._up.receivers.channels
        return all(
            len(arrived(name, resolved=resolved, since=since)) == _CHANNELS for name in injected.alerts
        )

    def _seen(self, injected: Injected, name: str, began: float, healed: float, ended: float) -> Seen:
        periods, arrived = self._periods(injected, name, began), self._up.receivers.channels
        last = max((each.ended or 0.0 for each in periods), default=0.0)
        return Seen(
            name,
            injected.name,
            self._rules[name]["labels"]["severity"],
            fired=periods[0].began - began if periods else None,
            cleared=max(0.0, last - ended) if periods and not self._fires(injected, name) else None,
            channels=arrived(name, resolved=False, since=began),
            resolved=arrived(name, resolved=True, since=periods[0].began if periods else healed),
        )


async def _until(done: Callable[[], bool], seconds: float) -> None:
    """Wait at most so long; the report shows what did not happen."""
    end = time.time() + seconds
    while not done() and time.time() < end:  # noqa: ASYNC110 # other processes set no event of ours
        await asyncio.sleep(0.2)
