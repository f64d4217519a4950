"""The prices of models: a model without one counts as free, or is refused under a budget in dollars."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from typing import Final

from holdfast_workers.startup.checking import models_of
from holdfast_workflows.contracts.errors import HoldfastError

from ..examined import Examined
from ..findings import Finding, failed, warning, worst

_REMEDY: Final = "set HOLDFAST_PRICES, with 0 for a model that costs nothing"


async def check(examined: Examined) -> Finding:
    """Look for the price of each model of each agent."""
    unpriced: defaultdict[str, list[str]] = defaultdict(list)
    count, models = 0, examined.models()
    for agent in examined.registry.agents.values():
        for name in models_of(agent):
            with suppress(HoldfastError):  # the check of models reports it
                count += 1
                if not models.has_price(name):
                    unpriced[name].append(agent.name)
    by_tenant = any(each.dollars_per_day is not None for each in examined.registry.tenants.values())
    found = [_finding(examined, name, agents, by_tenant=by_tenant) for name, agents in unpriced.items()]
    return worst(found, f"the price of every model is known ({count})")


def _finding(examined: Examined, model: str, agents: list[str], *, by_tenant: bool) -> Finding:
    budgets = {name: examined.registry.agents[name].budget for name in agents}
    limited = [name for name, budget in budgets.items() if budget is not None and budget.dollars is not None]
    if limited:
        text = f"{model} has no price, and agents with a budget in dollars use it: {', '.join(limited)}"
        return failed(f"{text}; each of its calls is refused", _REMEDY)
    if by_tenant:
        text = f"{model} has no price, so its calls are refused for tenants with a limit in dollars"
        return warning(text, _REMEDY)
    return warning(f"{model} has no price, so its calls count as free", _REMEDY)
