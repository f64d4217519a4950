"""The page of ``/metrics``: the metrics of the SDK's core, and those that are read when the page is.

The process's own figures cost nothing between scrapes. Metrics without a value are left out.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Final

from holdfast_workflows.contracts.operations.instruments import TABLE, Instruments

from .watchdog import Watchdog

_SECONDS: Final = 5.0
"""For the SDK's page, which comes from this machine."""

_CGROUPS: Final = Path("/sys/fs/cgroup")
_UNLIMITED: Final = 1 << 60
"""Bytes from which a limit of cgroups version 1 means none."""

Sample = tuple[Mapping[str, str], float]


class MetricsPage:
    """Collects the page. The worker process sets ``instruments`` and ``watchdog`` once it has them."""

    def __init__(self, port: int, app: str) -> None:
        """``port`` is where the SDK serves its metrics on this machine."""
        self._port = port
        self._app = app
        self._limit = memory_limit()
        self.instruments: Instruments | None = None
        self.watchdog: Watchdog | None = None

    async def render(self) -> bytes:
        """Return the page in the text format of Prometheus.

        Raises:
            OSError: The SDK's metrics cannot be read.
        """
        own = "".join(render(name, samples) for name, samples in self._own())
        return await self._of_the_sdk() + own.encode()

    async def _of_the_sdk(self) -> bytes:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
            try:
                return (await reader.read()).partition(b"\r\n\r\n")[2]
            finally:
                writer.close()

    def _own(self) -> Iterator[tuple[str, list[Sample]]]:
        import psutil  # when the first page is read: it takes memory of every worker

        process = psutil.Process()
        times = process.cpu_times()
        yield "holdfast_memory_bytes", [({}, process.memory_info().rss)]
        yield "holdfast_memory_limit_bytes", [({}, self._limit or psutil.virtual_memory().total)]
        yield "holdfast_cpu_seconds_total", [({}, times.user + times.system)]
        yield "holdfast_build_info", [({"version": version("holdfast"), "app": self._app}, 1)]
        if self.watchdog is not None:
            yield "holdfast_event_loop_delay_seconds", [({}, self.watchdog.delay)]
        if self.instruments is not None:
            for name, sums in self.instruments.sums.items():
                yield name, [(dict(labels), value) for labels, value in sums.items()]


def render(name: str, samples: Iterable[Sample]) -> str:
    """One metric of the table in the text format."""
    metric = TABLE[name]
    lines = [f"# HELP {name} {metric.help}", f"# TYPE {name} {metric.kind}"]
    for labels, value in samples:
        pairs = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{pairs}}} {value!r}" if pairs else f"{name} {value!r}")
    return "\n".join([*lines, ""])


def memory_limit(folder: Path = _CGROUPS, process: Path = Path("/proc/self/cgroup")) -> int | None:
    """The memory limit of this process's control group in bytes; None without one.

    A group is limited by the groups that contain it, too.
    """
    found = list[int]()
    with suppress(OSError):
        for line in process.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "memory" not in controllers.split(","):
                continue
            top, name = (
                (folder / "memory", "memory.limit_in_bytes") if controllers else (folder, "memory.max")
            )
            place = top / path.lstrip("/")
            for group in (place, *place.parents):
                if group.is_relative_to(top):
                    found += _limit(group / name)
    return min(found, default=None)


def _limit(file: Path) -> list[int]:
    with suppress(OSError, ValueError):
        limit = int(file.read_text())  # "max" without a limit
        if limit < min(_UNLIMITED, _of_the_machine()):
            return [limit]
    return []


def _of_the_machine() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
