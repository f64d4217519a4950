"""Evaluations: cases of sessions over models and prompts, scored, with confidence intervals and baselines."""

from holdfast_workflows.contracts.evaluation.cases import Case
from holdfast_workflows.contracts.evaluation.outcomes import Outcome

from . import report
from .baselines import Regression, load_baseline, regressions, save_baseline
from .files import load_cases, save_case
from .results import Difference, Evaluation, Summary, Trial
from .running import Variant, evaluate
from .scoring import Score
from .statistics import Interval

__all__ = [
    "Case",
    "Difference",
    "Evaluation",
    "Interval",
    "Outcome",
    "Regression",
    "Score",
    "Summary",
    "Trial",
    "Variant",
    "evaluate",
    "load_baseline",
    "load_cases",
    "regressions",
    "report",
    "save_baseline",
    "save_case",
]
