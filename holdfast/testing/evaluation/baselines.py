"""Baselines: results of an earlier evaluation in a file, and what has become worse since."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from holdfast_client.files import written
from holdfast_workflows.contracts.errors import BadInput

from .results import Evaluation, Means, difference

_ENOUGH = 3
"""Repetitions of a case from which a change from always to never passing is significant."""

Baseline = dict[str, dict[str, Means]]
"""The means of each case, by variant."""

_READER: TypeAdapter[Baseline] = TypeAdapter(Baseline)


@dataclass(frozen=True)
class Regression:
    """Something that is worse than in the baseline."""

    variant: str
    what: str
    detail: str

    def __str__(self) -> str:
        return f"{self.variant}: {self.what}: {self.detail}"


def save_baseline(evaluation: Evaluation, path: Path) -> None:
    """Write the results to a file."""
    found = {
        variant: {case: asdict(means) for case, means in sorted(evaluation.means(variant).items())}
        for variant in evaluation.variants
    }
    with written(path) as file:
        file.write(json.dumps(found, indent=1) + "\n")


def load_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        BadInput: The file cannot be read, or is not a baseline.
    """
    try:
        return _READER.validate_json(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}; write it with --save") from error
    except ValidationError:
        raise BadInput(f"{path} is not a baseline; write it with --save") from None


def regressions(
    evaluation: Evaluation, baseline: Baseline, *, cost: float | None = 0.2, seconds: float | None = None
) -> tuple[Regression, ...]:
    """List what is worse than the baseline beyond chance.

    A variant is compared with the one of the same name, or with the only one of the baseline. ``cost`` and ``seconds``
    are the rises that are allowed, as a share; None for any.

    Raises:
        BadInput: A variant has no counterpart, or no case in common with it.
    """
    found: list[Regression] = []
    for variant in evaluation.variants:
        only = next(iter(baseline.values())) if len(baseline) == 1 else None
        before, now = baseline.get(variant, only), evaluation.means(variant)
        if before is None:
            raise BadInput(f"the baseline has no variant {variant!r}; it has {', '.join(baseline)}")
        changed = difference(now, before)
        if not changed.cases:
            raise BadInput(f"variant {variant!r} has no case in common with the baseline")
        if changed.worse:
            found.append(Regression(variant, "quality", f"changed by {changed.quality}"))
        found += [Regression(variant, f"case {case}", "never passes now") for case in _broken(now, before)]
        for what, by, allowed in (("cost", changed.cost, cost), ("seconds", changed.seconds, seconds)):
            if allowed is not None and by.low > 1 + allowed:
                found.append(Regression(variant, what, f"is {by} times as high"))
    return tuple(found)


def _broken(now: dict[str, Means], before: dict[str, Means]) -> list[str]:
    """The cases that always passed and never do now, in enough repetitions of both."""
    return [
        case
        for case, means in now.items()
        if case in before
        and means.passed == 0
        and before[case].passed == before[case].trials
        and min(means.trials, before[case].trials) >= _ENOUGH
    ]
