"""What the current day has cost, and what it will cost."""

from holdfast_activities import clock
from holdfast_activities.state.database import State
from holdfast_workflows.contracts.operations.costs import LARGEST, ListCosts
from holdfast_workflows.contracts.operations.figures import Figure

from ..costs import forecast_of, today


async def read(state: State) -> list[Figure]:
    """The dollars of each agent and the forecast, of all apps in the database."""
    costs, now = state.costs.of_all_apps(), clock.now()
    day = today(now)
    rows = await costs.rows(ListCosts(by=("agent",)), day, day, LARGEST)
    of_day = await forecast_of(costs, ListCosts(), now)
    return [
        *(
            Figure(name="holdfast_cost_today_dollars", value=row.dollars, labels={"agent": row.agent})
            for row in rows
        ),
        Figure(name="holdfast_cost_forecast_dollars", value=of_day.dollars),
    ]
