"""How a child session ended, from the result or the failure of its workflow."""

from collections.abc import Mapping
from typing import Any, cast

from temporalio.exceptions import ApplicationError, CancelledError, FailureError

from ..agent.budget import Spending
from ..base import Contract
from ..errors import TurnCancelled, Unclassified
from ..session.entries import Usage
from ..session.session import TaskResult
from ..text.unicode import preview
from .children import ChildOutcome


class FindChild(Contract):
    """Find out how a child session ended whose end is not reported to the running workflow."""

    session: str
    """The parent."""
    child: str
    agent: str


class FoundChild(Contract):
    """The outcome of a child session; None while it runs."""

    outcome: ChildOutcome | None = None


class CancelOrphans(Contract):
    """Cancel the children of runs of a session that was reset."""

    session: str


def outcome_of(id: str, agent: str, ended: TaskResult | BaseException) -> ChildOutcome:
    """Return the outcome of a child session from its workflow's result or failure."""
    if isinstance(ended, TaskResult):
        seq = ended.last.reply_seq if ended.last else 0
        return ChildOutcome(
            id=id, agent=agent, status="done", reply_seq=seq, usage=ended.usage, spending=ended.spending
        )
    cause = getattr(ended, "cause", None) or ended
    if isinstance(cause, CancelledError):
        return ChildOutcome(id=id, agent=agent, status="cancelled", error="cancelled")
    if not isinstance(cause, ApplicationError):
        code, text = Unclassified.code, cause.message if isinstance(cause, FailureError) else str(cause)
        return ChildOutcome(id=id, agent=agent, status="failed", error_code=code, error=preview(text))
    return ChildOutcome(
        id=id,
        agent=agent,
        status="cancelled" if cause.type == TurnCancelled.code else "failed",
        error_code=cause.type or Unclassified.code,
        error=preview(cause.message),
        **_used(cause),
    )


def spent(usage: Usage, spending: Spending) -> dict[str, Any]:
    """Return what a child has used, for the details of its failure."""
    return {"usage": usage.model_dump(), "spending": spending.model_dump()}


def _used(failure: ApplicationError) -> dict[str, Any]:
    about: object = failure.details[1] if len(failure.details) > 1 else None
    if not isinstance(about, Mapping):
        return {}
    given = cast("Mapping[str, Any]", about)
    return {name: given[name] for name in ("usage", "spending") if name in given}
