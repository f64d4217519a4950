"""The targets, and whether these results meet them."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

from .cases import System, Workload
from .measuring import Figures, Results

_GUARDED: Final[dict[System, System]] = {"ordinary": "ordinary, guarded", "inline": "inline, guarded"}
"""Each system, and the same with all guards on."""

_OBSERVED: Final[dict[System, System]] = {"ordinary": "ordinary, observed", "inline": "inline, observed"}
"""Each system, and the same with metrics that are scraped and spans that are sent."""


@dataclass(frozen=True)
class Target:
    """A bound and the measured value. The bound is a maximum, or a minimum if ``at_least``."""

    name: str
    measured: float
    bound: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the value is within the bound."""
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


class _ByName:
    """Results by workload's name."""

    def __init__(self, results: Results) -> None:
        self._figures = {(work.name, system): figures for (work, system), figures in results.items()}

    def has(self, *names: str) -> bool:
        return all(any(work == name for work, _ in self._figures) for name in names)

    def get(self, work: str, system: System) -> Figures:
        return self._figures[work, system]

    def ratio(self, work: str, system: System, figure: str) -> float:
        """The figure divided by the floor's at the same workload."""
        return float(getattr(self.get(work, system), figure) / getattr(self.get(work, "floor"), figure))


def check(results: Results) -> list[Target]:
    """The targets of the workloads in these results."""
    found = _ByName(results)
    return [*_targets(found), *_options(found)]


def _targets(found: _ByName) -> Iterator[Target]:
    hundred, thousand, many = "100 steps", "1000 steps", "50 runs at once, 20 steps"
    if found.has("1 step"):
        yield Target("wall at 1 step, × floor", found.ratio("1 step", "ordinary", "wall"), 1.3)
    if found.has("5 steps"):
        yield Target("wall at 5 steps, × floor", found.ratio("5 steps", "ordinary", "wall"), 1.15)
        yield Target("wall of inline steps at 5 steps, ms", found.get("5 steps", "inline").wall, 20.0)
    if found.has(hundred):
        yield Target("worker CPU at 100 steps, × floor", found.ratio(hundred, "ordinary", "worker"), 1.5)
        yield Target("wall at 100 steps, × floor", found.ratio(hundred, "ordinary", "wall"), 1.4)
        for system in ("ordinary, streaming", "inline, streaming"):
            yield Target(f"wall at 100 steps, {system}, × floor", found.ratio(hundred, system, "wall"), 2.0)
        yield Target(
            "wall of inline steps at 100 steps, × floor", found.ratio(hundred, "inline", "wall"), 0.3
        )
        yield Target(
            "worker CPU of inline steps at 100 steps, × floor", found.ratio(hundred, "inline", "worker"), 0.5
        )
    if found.has(many):
        yield Target(
            "steps per second, inline, 50 at once, × floor",
            found.ratio(many, "inline", "rate"),
            4.0,
            at_least=True,
        )
    if found.has(hundred, thousand):
        long, short = found.get(thousand, "ordinary"), found.get(hundred, "ordinary")
        yield Target("history bytes a step at 1000 steps", long.bytes, 2_500)
        yield Target("history bytes a step at 1000 steps, × at 100", long.bytes / short.bytes, 1.05)
        yield Target("worker CPU at 1000 steps, × at 100", long.worker / short.worker, 1.2)
        yield Target("runs in the chain of 1000 steps", long.runs, 2, at_least=True)


def _options(found: _ByName) -> Iterator[Target]:
    guards, observed = "5 runs of 100 steps", "50 runs at once, 20 steps"
    if found.has(guards):
        for system, guarded in _GUARDED.items():
            cost = found.get(guards, guarded).worker / found.get(guards, system).worker
            yield Target(f"worker CPU at 100 steps, {guarded}, × {system}", cost, 1.15)
    if found.has(observed):
        for system, watched in _OBSERVED.items():
            speed = found.get(observed, watched).rate / found.get(observed, system).rate
            yield Target(f"steps per second, {watched}, × {system}", speed, 0.95, at_least=True)


def ratio(results: Results, work: Workload, system: System) -> dict[str, float]:
    """Every figure divided by the floor's; empty if the floor did not do this workload."""
    floor, own = results.get((work, "floor")), results[work, system]
    if floor is None or system == "floor":
        return {}
    return {field.name: getattr(own, field.name) / getattr(floor, field.name) for field in fields(Figures)}
