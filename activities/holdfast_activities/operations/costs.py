"""The standalone activity that reports what model calls cost."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.session.common.failures import reports_failures
from holdfast_activities.state.coordination.costs import CostStore, hour_of
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.operations.costs import CostForecast, CostReport, CostRow, ListCosts

_DAYS: Final = 7
"""Days before the current one that a forecast looks at."""


class Costs:
    """The activity for costs."""

    def __init__(self, state: State) -> None:
        self._state = state

    @activity.defn(name=names.LIST_COSTS)
    @reports_failures
    async def list_costs(self, ask: ListCosts) -> CostReport:
        """Report costs, with a forecast if the period includes the current day."""
        now = clock.now()
        day = today(now)
        last = _day(ask.until, "until") or day
        first = _day(ask.since, "since") or min(last, day)
        if first > last:
            raise BadInput(f"since={first} is after until={last}; give the earlier day as since")
        costs = self._state.costs
        rows = await costs.rows(ask, first, last, ask.limit + 1)
        [total] = await costs.rows(ask.model_copy(update={"by": ()}), first, last, 1) or [CostRow()]
        return CostReport(
            since=first.isoformat(),
            until=last.isoformat(),
            rows=tuple(rows[: ask.limit]) if ask.by else (),
            total=total,
            more=len(rows) > ask.limit,
            forecast=await forecast_of(costs, ask, now) if first <= day <= last else None,
        )


async def forecast_of(costs: CostStore, ask: ListCosts, now: float) -> CostForecast:
    """Forecast the current day of the costs that the filters of ``ask`` select."""
    day = today(now)
    return forecast(await costs.by_hour(ask, day - timedelta(days=_DAYS), day), now)


def forecast(by_hour: Mapping[int, float], now: float) -> CostForecast:
    """Forecast the current day from the dollars of each hour (since 1970) of this day and of those before.

    The rest of the day costs what it cost on average on the days before, times the factor by which the current day
    differs from them so far. One more average day counts in both figures of that factor, so that the first hours of a
    day change little.
    """
    day = today(now)
    start, elapsed = hour_of(day), now / 3_600 - hour_of(day)
    spent = sum(dollars for hour, dollars in by_hour.items() if hour >= start)
    days = {hour // 24 for hour, dollars in by_hour.items() if hour < start and dollars}
    if not days:
        rest = spent * (24 - elapsed) / max(elapsed, 1.0)
    else:
        whole = so_far = 0.0
        for hour, dollars in by_hour.items():
            if hour < start:
                whole += dollars / len(days)
                so_far += dollars / len(days) * min(1.0, max(0.0, elapsed - hour % 24))
        rest = (whole - so_far) * (spent + whole) / (so_far + whole)
    return CostForecast(day=day.isoformat(), spent=spent, dollars=spent + rest, days=len(days))


def today(now: float) -> date:
    """The day (UTC) of a time in seconds since 1970."""
    return datetime.fromtimestamp(now, UTC).date()


def _day(text: str, name: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(f"{name}={text!r} is not a day; write it as 2026-01-31") from None
