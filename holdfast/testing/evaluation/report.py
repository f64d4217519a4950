"""The report of an evaluation, as text and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from .baselines import Regression
from .results import Evaluation, Trial
from .statistics import Interval

_SHOWN = 20
"""Failed trials that are shown of each variant."""


def text(found: Evaluation, worse: Sequence[Regression]) -> str:
    """The report for people."""
    rows = [("variant", "passed", "quality", "cost of a run", "model time", "p95", "trials")]
    for variant in found.variants:
        each = found.summary(variant)
        trials = f"{each.trials} of {each.cases} cases" + (f", {each.errors} not run" if each.errors else "")
        cost, seconds = _range(each.cost, "$", 5), _range(each.seconds, "", 2, " s")
        quality = _range(each.quality, "", 3)
        rows.append((variant, f"{each.passed:.0%}", quality, cost, seconds, f"{each.p95:.2f} s", trials))
    lines = _table(rows)
    for variant in found.variants[1:]:
        by = found.difference(variant, found.variants[0])
        lines.append(
            f"{variant} compared with {found.variants[0]}: quality {by.quality.mean:+.3f} "
            f"[{by.quality.low:+.3f}, {by.quality.high:+.3f}], cost x {by.cost}, model time x {by.seconds}"
        )
    for variant in found.variants:
        failed = [trial for trial in found.of(variant) if not trial.passed]
        lines += [f"{variant}: {len(failed)} failed"] if failed else []
        lines += [f"  {line}" for trial in failed[:_SHOWN] for line in _why(trial)]
        lines += [f"  … and {len(failed) - _SHOWN} more"] if len(failed) > _SHOWN else []
    errors = {f"  {trial.case} ({trial.variant}): {trial.error}" for trial in found.trials if trial.error}
    lines += ["not run:", *sorted(errors)[:_SHOWN]] if errors else []
    lines += ["worse than the baseline:", *(f"  {each}" for each in worse)] if worse else []
    return "\n".join(lines) + "\n"


def document(found: Evaluation, worse: Sequence[Regression]) -> str:
    """The report for programs."""
    trials = [
        {
            "case": trial.case,
            "variant": trial.variant,
            "repetition": trial.repetition,
            "passed": trial.passed and not trial.error,
            "quality": trial.quality,
            "scores": [asdict(score) for score in trial.scores],
            "error": trial.error,
            "outcome": trial.outcome.model_dump(mode="json"),
        }
        for trial in found.trials
    ]
    variants = [asdict(found.summary(variant)) for variant in found.variants]
    made = {"variants": variants, "trials": trials, "regressions": [asdict(each) for each in worse]}
    return json.dumps(made) + "\n"


def _range(value: Interval, unit: str, digits: int, after: str = "") -> str:
    return f"{unit}{value.mean:.{digits}f}{after} [{value.low:.{digits}f}, {value.high:.{digits}f}]"


def _why(trial: Trial) -> list[str]:
    lines = [f"{trial.case}, run {trial.repetition}"]
    missed = (score for score in trial.scores if score.value < 0.5)
    return [*lines, *(f"  {score.what}: {' '.join(score.reason.split())[:200]}" for score in missed)]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
