"""A session's limits as text, raising them, and the account that they are charged to."""

from temporalio import workflow

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.budget import Allowance, Budget, Measure, RaiseBudget, Spent

from .state import SessionState

_MEASURES: tuple[Measure, ...] = ("tokens", "dollars", "steps", "tool_calls", "seconds")


def allowance(state: SessionState) -> Allowance | None:
    """Return the run's own account for model calls; None without a limit."""
    limits, account = state.budget or Budget(), state.start.account
    if not account and limits.tokens is None and limits.dollars is None:
        return None
    return Allowance(
        account=account or names.run_account(workflow.info().workflow_id),
        tokens=limits.tokens,
        dollars=limits.dollars,
    )


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
    if spent.scope == "tenant":
        whose = "the tenant's budget of today (set by App(tenants={…}))"
    used = f"{_figure(spent.used)} of {_figure(spent.limit)} {_word(spent.what)} of {whose} are used"
    dear = spent.what in {"tokens", "dollars"} and spent.used < spent.limit
    return f"{used}; the next call may need more than is left" if dear else used


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
