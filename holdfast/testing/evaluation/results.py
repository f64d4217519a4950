"""What an evaluation found: trials, and each variant's quality, cost and latency with confidence intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from holdfast_workflows.contracts.evaluation.outcomes import Outcome

from .scoring import Score
from .statistics import Interval, interval, ratio


@dataclass(frozen=True)
class Trial:
    """One run of a case. ``error`` is set if it could not be scored, since a service did not answer."""

    case: str
    variant: str
    repetition: int
    outcome: Outcome
    scores: tuple[Score, ...] = ()
    error: str = ""

    @property
    def quality(self) -> float:
        """The mean of its scores, from 0 to 1."""
        return sum(score.value for score in self.scores) / len(self.scores) if self.scores else 0.0

    @property
    def passed(self) -> bool:
        """Whether each score is at least a half."""
        return all(score.value >= 0.5 for score in self.scores)


@dataclass(frozen=True)
class Summary:
    """A variant in all cases. Each case counts once, by the mean of its repetitions.

    ``cost`` is in US dollars and ``seconds`` the time of model calls, both for one run of one case. ``p95`` is of the
    seconds of all trials.
    """

    variant: str
    cases: int
    trials: int
    passed: float
    quality: Interval
    cost: Interval
    seconds: Interval
    p95: float
    errors: int


@dataclass(frozen=True)
class Difference:
    """A variant compared with another one, case by case: quality as a difference, cost and seconds as a ratio."""

    cases: int
    quality: Interval
    cost: Interval
    seconds: Interval

    @property
    def worse(self) -> bool:
        """Whether the quality is lower beyond chance: the whole interval is below 0."""
        return self.quality.high < 0


@dataclass(frozen=True)
class Means:
    """The means of a case's repetitions, and whether all, or none, of so many passed."""

    quality: float
    cost: float
    seconds: float
    passed: int
    trials: int


@dataclass(frozen=True)
class Evaluation:
    """All trials of an evaluation."""

    variants: tuple[str, ...]
    cases: tuple[str, ...]
    trials: tuple[Trial, ...]

    def of(self, variant: str) -> tuple[Trial, ...]:
        """The trials of a variant that were scored."""
        return tuple(each for each in self.trials if each.variant == variant and not each.error)

    def means(self, variant: str) -> dict[str, Means]:
        """A variant's means, by case; a case without a scored trial is missing."""
        grouped: dict[str, list[Trial]] = {}
        for trial in self.of(variant):
            grouped.setdefault(trial.case, []).append(trial)
        return {case: _means(trials) for case, trials in grouped.items()}

    def summary(self, variant: str) -> Summary:
        """A variant in all cases."""
        means, trials = list(self.means(variant).values()), self.of(variant)
        seconds = sorted(trial.outcome.seconds for trial in trials)
        return Summary(
            variant=variant,
            cases=len(means),
            trials=len(trials),
            passed=sum(trial.passed for trial in trials) / len(trials) if trials else 0.0,
            quality=interval([each.quality for each in means]),
            cost=interval([each.cost for each in means]),
            seconds=interval([each.seconds for each in means]),
            p95=seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))] if seconds else 0.0,
            errors=sum(trial.variant == variant and bool(trial.error) for trial in self.trials),
        )

    def difference(self, variant: str, other: str) -> Difference:
        """A variant compared with another one of this evaluation."""
        return difference(self.means(variant), self.means(other))

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """The cases that a variant has no scored trial of."""
        return tuple(
            f"{case} ({variant})"
            for variant in self.variants
            for case in self.cases
            if case not in self.means(variant)
        )


def difference(now: dict[str, Means], before: dict[str, Means]) -> Difference:
    """Compare the cases that both have."""
    both = [(before[case], means) for case, means in now.items() if case in before]
    return Difference(
        cases=len(both),
        quality=interval([second.quality - first.quality for first, second in both]),
        cost=ratio([(first.cost, second.cost) for first, second in both]),
        seconds=ratio([(first.seconds, second.seconds) for first, second in both]),
    )


def _means(trials: Sequence[Trial]) -> Means:
    def mean(of: Callable[[Trial], float]) -> float:
        return sum(map(of, trials)) / len(trials)

    return Means(
        quality=mean(lambda trial: trial.quality),
        cost=mean(lambda trial: trial.outcome.usage.cost),
        seconds=mean(lambda trial: trial.outcome.seconds),
        passed=sum(trial.passed for trial in trials),
        trials=len(trials),
    )
