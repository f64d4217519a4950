"""Budgets of runs and tenants: limits, usage and accounts."""

from typing import Literal

from pydantic import FiniteFloat

from ..base import Contract
from ..public import public
from .declared import Declared

WhenSpent = Literal["finish", "degrade", "ask", "stop"]
Measure = Literal["tokens", "dollars", "steps", "tool_calls", "seconds"]


@public
class Budget(Declared):
    """What a session and its sub-agents may use in all; None for no limit.

    ``tokens`` are input and output together, ``dollars`` US dollars, ``seconds`` the time that turns have run,
    without waits for people. ``when_spent``: ``finish`` makes one last call without tools, ``degrade`` continues
    with the model ``cheaper`` and then finishes, ``ask`` waits until the budget is raised, ``stop`` fails the turn.
    """

    tokens: int | None = None
    dollars: float | None = None
    steps: int | None = None
    tool_calls: int | None = None
    seconds: float | None = None
    when_spent: WhenSpent = "finish"
    cheaper: str = ""


class RaiseBudget(Contract):
    """The amounts to add to each limit."""

    tokens: int = 0
    dollars: FiniteFloat = 0.0
    steps: int = 0
    tool_calls: int = 0
    seconds: FiniteFloat = 0.0


@public
class Spending(Contract):
    """A session's usage besides tokens and dollars."""

    steps: int = 0
    tool_calls: int = 0
    seconds: float = 0.0


class Allowance(Contract):
    """An account in the state database that a model call is charged to, with its limits; None for no limit."""

    account: str
    tokens: int | None = None
    dollars: float | None = None
    above: bool = False
    """Whether it is the account of a session that started this one."""
    stops: bool = False
    """Whether a turn for which nothing is left on it fails at once, whatever its own ``when_spent``."""
    within: "Allowance | None" = None
    """The next account above, which is charged as well."""


class Reservation(Contract):
    """A reservation for the next model call on each of its accounts, until ``until`` (seconds since 1970)."""

    tokens: int
    dollars: float
    until: float


class Spent(Contract):
    """A limit of the run or of its tenant that is reached."""

    scope: Literal["run", "parent", "tenant"] = "run"
    """``parent`` is a session that has started this one: its budget cannot be raised here."""
    what: Measure
    limit: float
    used: float


@public
class BudgetAccount(Contract):
    """An account's balance. Limits are those of the last call charged to it."""

    account: str
    tokens: int = 0
    dollars: float = 0.0
    held_tokens: int = 0
    held_dollars: float = 0.0
    tokens_limit: int | None = None
    dollars_limit: float | None = None


class ListBudgets(Contract):
    """List accounts whose name begins with ``prefix``: ``run:<session>``, ``tenant:<tenant>:<day>``."""

    prefix: str = ""
    limit: int = 100
    tenant: str = ""
    """Only this tenant's accounts; filled in from the principal."""


class BudgetList(Contract):
    """Accounts by name."""

    budgets: tuple[BudgetAccount, ...]
