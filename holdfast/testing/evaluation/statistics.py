"""Means with confidence intervals, by resampling cases."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_RESAMPLES = 2_000
_SEED = 7
_LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and its confidence interval of 95 %."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def interval(values: Sequence[float]) -> Interval:
    """The mean of one value for each case. The seed is fixed, so the same values give the same interval."""
    return resampled(values, lambda picked: sum(picked) / len(picked))


def ratio(values: Sequence[tuple[float, float]]) -> Interval:
    """The ratio of the sums of pairs, one pair for each case: the second by the first."""

    def of(picked: Sequence[tuple[float, float]]) -> float:
        first = sum(pair[0] for pair in picked)
        second = sum(pair[1] for pair in picked)
        return second / first if first else (1.0 if not second else float("inf"))

    return resampled(values, of)


def resampled(values: Sequence[T], of: Callable[[Sequence[T]], float]) -> Interval:
    """A statistic of the values, with the interval of its bootstrap percentiles."""
    if not values:
        return Interval(0.0, 0.0, 0.0)
    chance = random.Random(_SEED)
    found = sorted(of(chance.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    cut = int(_RESAMPLES * (1 - _LEVEL) / 2)
    return Interval(of(values), found[cut], found[-cut - 1])
