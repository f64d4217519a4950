"""What fires: read from Prometheus twice a second."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from .stack import Stack

ALWAYS = "HoldfastWatchdog"


@dataclass
class Firing:
    """An alert that fires or fired: when it began, and when it ended."""

    name: str
    labels: Mapping[str, str]
    began: float
    ended: float | None = None

    def fits(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether it is this alert, with these labels among its own."""
        return name == self.name and labels.items() <= self.labels.items()


@dataclass
class Watch:
    """Reads the firing alerts, and keeps each period in which one fired."""

    up: Stack
    periods: list[Firing] = field(default_factory=list[Firing])

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
            with suppress(OSError):
                self.take(await self.up.firing(), time.time())
            await asyncio.sleep(0.5)

    def take(self, found: list[dict[str, str]], now: float) -> None:
        """Take the labels of what fires at a time."""
        for each in self.firing():
            if each.labels in found:
                found.remove(dict(each.labels))
            else:
                each.ended = now
        new = [labels for labels in found if labels["alertname"] != ALWAYS]
        self.periods += [Firing(labels["alertname"], labels, now) for labels in new]

    def firing(self) -> list[Firing]:
        """What fires now."""
        return [each for each in self.periods if each.ended is None]

    def of(self, name: str, labels: Mapping[str, str], since: float) -> list[Firing]:
        """The periods of an alert that began after a time."""
        return [each for each in self.periods if each.fits(name, labels) and each.began >= since]

    def others(self, since: float, known: Mapping[str, Mapping[str, str]]) -> set[str]:
        """The names of other alerts that began to fire after a time."""
        return {
            each.name
            for each in self.periods
            if each.began >= since and not any(each.fits(name, labels) for name, labels in known.items())
        }
