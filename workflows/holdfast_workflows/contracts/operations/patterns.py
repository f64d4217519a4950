"""Patterns: how often, how fast and how well turns, model calls and tool calls went in a period."""

from collections.abc import Sequence
from math import ceil
from typing import Final, Literal

from pydantic import Field

from ..base import Contract
from ..public import public

PatternKind = Literal["agent", "model", "tool"]

_RARE: Final = 10
"""Fewer cases in a period show no change of their durations or errors."""

_SLOWER: Final = 1.5
_BY: Final = 0.1
"""A p95 has changed if it changed by this factor, and by so many seconds."""

_POINTS: Final = 0.05
"""A share of failures has changed if it changed by so much."""

_TIMES: Final = 2.0
"""A number has changed if it changed by this factor."""


class ReadPatterns(Contract):
    """Read the patterns of a period, in seconds since 1970; ``until`` is not included. Empty filters select everything."""

    since: float
    until: float
    agent: str = ""
    tenant: str = ""
    """Filled in from the principal."""


@public
class Pattern(Contract):
    """How the turns of an agent, or the calls of a model or a tool, went. Durations are in seconds.

    ``failed`` counts turns that failed, and results of tools that are errors; ``errors`` are their codes. A model's
    calls are those that gave a reply. ``per_hour`` are the counts of each hour of the period, the first one first.
    """

    kind: PatternKind
    name: str
    count: int = 0
    failed: int = 0
    errors: dict[str, int] = Field(default_factory=dict)
    mean: float = 0.0
    min: float = 0.0
    max: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    cost: float = 0.0
    """US dollars; 0 for tools."""
    tokens: int = 0
    per_hour: tuple[int, ...] = ()
    slowest: str = ""
    """The session of the turn or call that took ``max``."""

    @property
    def failure_rate(self) -> float:
        """The share that failed."""
        return self.failed / self.count if self.count else 0.0


class PatternPage(Contract):
    """The patterns of one period; ``cut`` if it had more turns or calls than were read, the newest."""

    patterns: tuple[Pattern, ...] = ()
    cut: bool = False


@public
class Patterns(Contract):
    """The patterns of a period, and of the period of the same length before it.

    ``changes`` are what differs between them, in words. ``cut``: one of them had more turns or calls than were read.
    """

    since: float
    until: float
    patterns: tuple[Pattern, ...] = ()
    before: tuple[Pattern, ...] = ()
    changes: tuple[str, ...] = ()
    cut: bool = False


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value that ``share`` of the ordered values do not exceed; 0 for none."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0.0


def changes(now: Sequence[Pattern], before: Sequence[Pattern]) -> tuple[str, ...]:
    """Return what changed between two periods, the failures first, as sentences."""
    old = {(each.kind, each.name): each for each in before}
    failures: list[str] = []
    speed: list[str] = []
    counts: list[str] = []
    for each in now:
        last = old.pop((each.kind, each.name), None)
        what = f"{each.kind} {each.name}"
        if last is None:
            counts.append(f"{what}: new, {each.count:,} in the period")
            last = Pattern(kind=each.kind, name=each.name)
        elif max(each.count, last.count) >= _RARE:
            failures += _failures(what, each, last)
            speed += _speed(what, each, last)
            if not last.count / _TIMES < each.count < last.count * _TIMES:
                counts.append(f"{what}: {each.count:,}, before {last.count:,}")
        fresh = [f"{code} ({number:,})" for code, number in each.errors.items() if code not in last.errors]
        if fresh:
            failures.append(f"{what}: new errors: {', '.join(fresh)}")
    counts += [
        f"{each.kind} {each.name}: none, before {each.count:,}"
        for each in old.values()
        if each.count >= _RARE
    ]
    return (*failures, *speed, *counts)


def _failures(what: str, now: Pattern, before: Pattern) -> list[str]:
    if abs(now.failure_rate - before.failure_rate) < _POINTS:
        return []
    return [f"{what}: {now.failure_rate:.0%} failed, before {before.failure_rate:.0%}"]


def _speed(what: str, now: Pattern, before: Pattern) -> list[str]:
    if min(now.count, before.count) < _RARE or abs(now.p95 - before.p95) < _BY:
        return []
    if before.p95 / _SLOWER < now.p95 < before.p95 * _SLOWER:
        return []
    return [f"{what}: p95 {now.p95:.2f} s, before {before.p95:.2f} s"]
