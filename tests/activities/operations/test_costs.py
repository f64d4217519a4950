"""Reports of costs, and the forecast of a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError

from holdfast_activities.operations.costs import Costs, forecast
from holdfast_activities.state import State
from holdfast_activities.state.coordination.costs import hour_of
from holdfast_activities.state.log.extras import Charge, CostOwner, ModelCost
from holdfast_workflows.contracts.operations.costs import ListCosts

DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()


def earlier(*daily: float) -> dict[int, float]:
    """Days before, the last one first, each with its dollars spread evenly over its hours."""
    starts = (hour_of(DAY - timedelta(days=n)) for n in range(1, len(daily) + 1))
    return {start + hour: each / 24 for start, each in zip(starts, daily, strict=True) for hour in range(24)}


def test_without_days_before_the_pace_of_the_day_goes_on() -> None:
    found = forecast({hour_of(DAY) + 3: 6.0}, NOON)
    assert (found.day, found.spent, found.dollars, found.days) == ("2026-03-10", 6.0, 12.0, 0)


def test_the_first_minutes_of_a_first_day_are_not_multiplied() -> None:
    found = forecast({hour_of(DAY): 1.0}, NOON - 12 * 3_600 + 60)
    assert found.dollars == pytest.approx(1 + 24, rel=0.01)


def test_a_day_like_those_before_ends_like_them() -> None:
    found = forecast({**earlier(20, 28), hour_of(DAY) + 1: 12.0}, NOON)
    assert (found.spent, found.days) == (12.0, 2)
    assert found.dollars == pytest.approx(24.0)


def test_a_dearer_day_is_expected_to_go_on_dearer_but_not_in_full() -> None:
    found = forecast({**earlier(24), hour_of(DAY) + 1: 24.0}, NOON)
    assert 24 + 12 < found.dollars < 24 + 24


def test_days_without_costs_do_not_count() -> None:
    quiet = {hour_of(DAY - timedelta(days=3)): 0.0}
    assert forecast({**earlier(24), **quiet}, NOON).days == 1


def test_the_rest_of_a_running_hour_is_expected_in_part() -> None:
    # All costs of the day before were made from 12 to 13.
    before = {hour_of(DAY - timedelta(days=1)) + 12: 10.0}
    assert forecast(before, NOON + 1_800).dollars == pytest.approx(5 * 10 / 15)


async def test_a_report_has_the_largest_rows_the_sum_of_all_and_a_forecast(
    state: State, session: str
) -> None:
    costs = tuple(ModelCost("m", tool, micros=micros) for tool, micros in (("x", 3), ("y", 2), ("z", 1)))
    await state.budgets.charge(Charge(session, {}, owner=CostOwner(session), costs=costs))
    today = datetime.now(UTC).date()
    ask = ListCosts(by=("tool",), since=str(today - timedelta(days=1)), session=session, limit=2)
    report = await Costs(state).list_costs(ask)
    assert [row.tool for row in report.rows] == ["x", "y"]
    assert (report.total.dollars, report.more) == (0.000006, True)
    assert report.forecast is not None
    assert report.forecast.dollars >= report.forecast.spent
    past = await Costs(state).list_costs(
        ask.model_copy(update={"since": "2026-01-01", "until": "2026-01-02"})
    )
    assert (past.rows, past.total.dollars, past.forecast) == ((), 0.0, None)


@pytest.mark.parametrize("days", [{"since": "yesterday"}, {"since": "2026-01-02", "until": "2026-01-01"}])
async def test_days_that_are_none_are_refused(state: State, days: dict[str, str]) -> None:
    with pytest.raises(ApplicationError) as refused:
        await Costs(state).list_costs(ListCosts.model_validate(days))
    assert refused.value.type == "bad_input"
