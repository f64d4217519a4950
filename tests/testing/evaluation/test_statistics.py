"""Intervals, comparisons and regressions, on numbers."""

from __future__ import annotations

import pytest

from holdfast import BadInput, Outcome, OutcomeCall, Usage
from holdfast.testing.evaluation import Case, Evaluation, Score, Trial, regressions
from holdfast.testing.evaluation.results import Means
from holdfast.testing.evaluation.scoring import scores
from holdfast.testing.evaluation.statistics import interval, ratio
from holdfast_workflows.contracts.evaluation.cases import (
    Expectation,
    ExpectAtMost,
    ExpectCall,
    ExpectFunction,
    ExpectJudge,
    ExpectOutput,
    ExpectStatus,
    ExpectText,
)


def evaluation(qualities: list[list[float]], cost: float = 1.0, variant: str = "app") -> Evaluation:
    """One variant; of each case the quality of its repetitions."""
    trials = [
        Trial(f"case-{n}", variant, repetition, outcome(cost), (Score("x", quality),))
        for n, each in enumerate(qualities)
        for repetition, quality in enumerate(each, 1)
    ]
    return Evaluation((variant,), tuple(f"case-{n}" for n in range(len(qualities))), tuple(trials))


def outcome(cost: float = 1.0, **changes: object) -> Outcome:
    return Outcome(session="s", turn=1, status="done", usage=Usage(cost=cost)).model_copy(update=changes)


def before(qualities: list[list[float]], cost: float = 1.0) -> dict[str, dict[str, Means]]:
    return {"app": evaluation(qualities, cost).means("app")}


def test_an_interval_contains_the_mean_and_narrows_with_more_cases() -> None:
    few, many = interval([0.0, 1.0] * 5), interval([0.0, 1.0] * 50)
    assert few.low < few.mean == 0.5 < few.high
    assert many.high - many.low < few.high - few.low
    assert interval([1.0, 1.0]) == interval([1.0, 1.0, 1.0])
    assert ratio([(1.0, 2.0), (3.0, 6.0)]).mean == 2.0


@pytest.mark.parametrize(
    ("now", "worse"),
    [
        ([[1.0]] * 40 + [[0.0]] * 10, ["quality"]),
        ([[1.0]] * 49 + [[0.0]], []),  # one failure of 50 may be chance
        ([[1.0]] * 50, []),
        ([[1.0, 1.0, 1.0]] * 49 + [[0.0, 0.0, 0.0]], ["case case-49"]),
        ([[1.0, 1.0, 1.0]] * 49 + [[0.0, 1.0, 0.0]], []),
    ],
    ids=["ten of fifty", "one of fifty", "as good", "one always", "one sometimes"],
)
def test_only_what_is_worse_beyond_chance_is_a_regression(now: list[list[float]], worse: list[str]) -> None:
    good = before([[1.0] * len(now[0])] * 50)
    assert [each.what for each in regressions(evaluation(now), good)] == worse


def test_a_rise_of_cost_is_a_regression_unless_it_is_allowed() -> None:
    dear = evaluation([[1.0]] * 10, cost=1.5)
    assert [each.what for each in regressions(dear, before([[1.0]] * 10))] == ["cost"]
    assert regressions(dear, before([[1.0]] * 10), cost=0.6) == ()
    assert regressions(dear, before([[1.0]] * 10), cost=None) == ()


def test_a_baseline_of_other_cases_or_variants_is_refused() -> None:
    with pytest.raises(BadInput, match="no case in common"):
        regressions(evaluation([[1.0]]), {"app": {}})
    with pytest.raises(BadInput, match="has no variant 'app'; it has a, b"):
        regressions(evaluation([[1.0]]), {"a": {}, "b": {}})


def test_a_case_that_could_not_run_is_not_counted_as_bad() -> None:
    trials = (
        Trial("a", "app", 1, outcome(), (Score("x", 1.0),)),
        Trial("b", "app", 1, outcome(), error="rate_limited"),
    )
    found = Evaluation(("app",), ("a", "b"), trials)
    assert found.summary("app").quality.mean == 1.0
    assert found.summary("app").errors == 1
    assert found.unmeasured == ("b (app)",)


REPLY = outcome(
    text='{"total": 3, "items": [{"name": "cup"}]}',
    steps=2,
    calls=(OutcomeCall(name="pay", arguments='{"cents": 5, "to": {"name": "Ann", "id": 1}}', status="ok"),),
)


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (ExpectStatus(), 1),
        (ExpectStatus(status="failed"), 0),
        (ExpectText(text="CUP"), 1),
        (ExpectText(text="c.p"), 0),
        (ExpectText(text="c.p", pattern=True), 1),
        (ExpectText(text="cup", absent=True), 0),
        (ExpectCall(tool="pay"), 1),
        (ExpectCall(tool="pay", arguments={"to": {"name": "Ann"}}), 1),
        (ExpectCall(tool="pay", arguments={"cents": 6}), 0),
        (ExpectCall(tool="pay", times=2), 0),
        (ExpectCall(tool="mail", times=0), 1),
        (ExpectOutput(path="items.0.name", equals="cup"), 1),
        (ExpectOutput(path="items.1.name", equals="cup"), 0),
        (ExpectAtMost(what="steps", limit=2), 1),
        (ExpectAtMost(what="cost", limit=0.5), 0),
        (ExpectFunction(function=f"{__name__}:a_third"), 0.25),
    ],
    ids=lambda each: each.model_dump_json() if hasattr(each, "model_dump_json") else str(each),
)
async def test_each_expectation_scores_what_it_says(expected: Expectation, value: float) -> None:
    case = Case(name="a", agent="b", message="c", expectations=(expected,))
    [score] = await scores(case, REPLY, None)
    assert score.value == value
    assert bool(score.reason) == (value < 1)


def a_third(_case: Case, _outcome: Outcome) -> tuple[float, str]:
    return 0.25, "a quarter"


async def test_a_judge_is_needed_only_where_a_case_expects_it() -> None:
    case = Case(name="a", agent="b", message="c", expectations=(ExpectJudge(),))
    with pytest.raises(BadInput, match="needs a judge"):
        await scores(case, REPLY, None)
