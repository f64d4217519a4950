"""What must be shown, and whether this run shows it."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

from .cases import System, Workload
from .measuring import Figures, Results

_GUARDED: Final[dict[System, System]] = {"ordinary": "ordinary, guarded", "bursts": "bursts, guarded"}
"""With everything of resilience switched on, beside the same without."""


@dataclass(frozen=True)
class Target:
    """A bound and what was measured; ``measured`` is at most ``bound``, or at least where ``at_least`` says so."""

    name: str
    measured: float
    bound: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it holds."""
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


class _Found:
    """Results by workload's name."""

    def __init__(self, results: Results) -> None:
        self._figures = {(work.name, system): figures for (work, system), figures in results.items()}

    def has(self, *names: str) -> bool:
        return all(any(work == name for work, _ in self._figures) for name in names)

    def get(self, work: str, system: System) -> Figures:
        return self._figures[work, system]

    def ratio(self, work: str, system: System, figure: str) -> float:
        """The figure against the floor's at the same work."""
        return float(getattr(self.get(work, system), figure) / getattr(self.get(work, "floor"), figure))


def check(results: Results) -> list[Target]:
    """Every target that these results can tell of."""
    return list(_targets(_Found(results)))


def _targets(found: _Found) -> Iterator[Target]:
    hundred, thousand, many = "100 steps", "1000 steps", "50 runs at once, 20 steps"
    guards = "5 runs of 100 steps"
    if found.has(hundred):
        yield Target("worker CPU at 100 steps, × floor", found.ratio(hundred, "ordinary", "worker"), 1.5)
        yield Target("wall at 100 steps, × floor", found.ratio(hundred, "ordinary", "wall"), 1.4)
        for system in ("ordinary, watched", "bursts, watched"):
            yield Target(f"wall at 100 steps, {system}, × floor", found.ratio(hundred, system, "wall"), 2.0)
        yield Target("wall in bursts at 100 steps, × floor", found.ratio(hundred, "bursts", "wall"), 0.3)
        yield Target(
            "worker CPU in bursts at 100 steps, × floor", found.ratio(hundred, "bursts", "worker"), 0.5
        )
    if found.has(guards):
        for system, guarded in _GUARDED.items():
            cost = found.get(guards, guarded).worker / found.get(guards, system).worker
            yield Target(f"worker CPU at 100 steps, {guarded}, × {system}", cost, 1.15)
    if found.has(many):
        yield Target(
            "steps per second in bursts, 50 at once, × floor",
            found.ratio(many, "bursts", "rate"),
            4.0,
            at_least=True,
        )
    if found.has(hundred, thousand):
        long, short = found.get(thousand, "ordinary"), found.get(hundred, "ordinary")
        yield Target("history bytes a step at 1000 steps", long.bytes, 2_500)
        yield Target("history bytes a step at 1000 steps, × at 100", long.bytes / short.bytes, 1.05)
        yield Target("worker CPU at 1000 steps, × at 100", long.worker / short.worker, 1.2)
        yield Target("runs in the chain of 1000 steps", long.runs, 2, at_least=True)


def ratio(results: Results, work: Workload, system: System) -> dict[str, float]:
    """Every figure against the floor's; empty where the floor has none."""
    floor, own = results.get((work, "floor")), results[work, system]
    if floor is None or system == "floor":
        return {}
    return {field.name: getattr(own, field.name) / getattr(floor, field.name) for field in fields(Figures)}
