"""A session's limits as text, raising them, and the account that they are charged to."""

from typing import Any

from temporalio import workflow

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.budget import Allowance, Budget, Measure, RaiseBudget, Spent
from holdfast_workflows.contracts.teams.children import Parent

from .state import SessionState

_MEASURES: tuple[Measure, ...] = ("tokens", "dollars", "steps", "tool_calls", "seconds")

OF_PARENT, OF_TENANT = "the budget of the session that started this one", "the tenant's budget of today"


def allowance(state: SessionState) -> Allowance | None:
    """Return the accounts for model calls, the run's own first; None without a limit."""
    limits, account, parent = state.budget or Budget(), state.start.account, state.start.parent
    above = parent.allowance if parent else None
    if not account and limits.tokens is None and limits.dollars is None:
        return above
    return Allowance(
        account=account or names.run_account(workflow.info().workflow_id),
        tokens=limits.tokens,
        dollars=limits.dollars,
        within=above,
    )


def left(state: SessionState, children: int) -> Budget | None:
    """Return what each of so many children may use of the limits that the workflow counts; None without limits.

    A step is left for the session's own answer.
    """
    limits, used = state.budget or Budget(), state.spending
    found: dict[str, Any] = {
        "steps": limits.steps and max(1, (limits.steps - used.steps - 1) // children),
        "tool_calls": limits.tool_calls and max(0, (limits.tool_calls - used.tool_calls) // children),
        "seconds": limits.seconds and max(1.0, limits.seconds - state.seconds),
    }
    return Budget(**found) if any(each is not None for each in found.values()) else None


def narrowed(own: Budget | None, parent: Parent | None) -> Budget | None:
    """Return a session's budget within what its parent had left."""
    above = parent.budget if parent else None
    if above is None:
        return own
    limits = own or Budget()
    found = {
        name: min(each for each in (getattr(limits, name), getattr(above, name)) if each is not None)
        for name in ("steps", "tool_calls", "seconds")
        if getattr(limits, name) is not None or getattr(above, name) is not None
    }
    return limits.model_copy(update=found)


def wanted(by: RaiseBudget) -> list[Measure]:
    """The limits that a request raises."""
    return [name for name in _MEASURES if getattr(by, name)]


def limit(limits: Budget | None, what: Measure) -> float | None:
    """One of the limits; None for none."""
    found: float | None = getattr(limits, what, None)
    return found


def higher(limits: Budget | None, spent: Spent) -> bool:
    """Whether a limit was raised by at least a millionth, the unit of accounts."""
    return round((limit(limits, spent.what) or 0) * 1e6) > round(spent.limit * 1e6)


def apply(state: SessionState, by: RaiseBudget) -> None:
    """Raise limits that are set."""
    assert state.budget is not None
    higher: dict[str, float] = {name: getattr(state.budget, name) + getattr(by, name) for name in wanted(by)}
    state.budget = state.budget.model_copy(update=higher)
    words = ", ".join(f"{_word(name)} to {_figure(value)}" for name, value in higher.items())
    state.emit("budget", f"raised: {words}", status="raised")
    details = {name: _figure(value) for name, value in higher.items()}
    state.audit(
        "budget", "raised", subject=names.run_account(workflow.info().workflow_id), details=details, now=True
    )


def describe(spent: Spent) -> str:
    """Describe a limit that is reached, as text for people and error details."""
    whose = "the budget"
    if spent.scope == "parent":
        whose = OF_PARENT
    if spent.scope == "tenant":
        whose = f"{OF_TENANT} (set by App(tenants={{…}}))"
    used = f"{_figure(spent.used)} of {_figure(spent.limit)} {_word(spent.what)} of {whose} are used"
    costly = spent.what in {"tokens", "dollars"} and spent.used < spent.limit
    return f"{used}; the next call may need more than is left" if costly else used


def usage_summary(state: SessionState) -> str:
    """Return usage and limits as text; empty without limits."""
    usage = state.total_usage
    used: dict[Measure, float] = {
        "tokens": usage.input_tokens + usage.output_tokens,
        "dollars": usage.cost,
        "steps": state.spending.steps,
        "tool_calls": state.spending.tool_calls,
        "seconds": round(state.seconds, 1),
    }
    return ", ".join(
        f"{_figure(used[name])} of {_figure(most)} {_word(name)}"
        for name in _MEASURES
        if (most := limit(state.budget, name)) is not None
    )


def _word(what: str) -> str:
    return what.replace("_", " ")


def _figure(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".")
