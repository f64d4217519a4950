"""Child sessions that a call needs before it has a result."""

from contextvars import ContextVar
from typing import Final

from holdfast_activities.tools.questions import Needed
from holdfast_workflows.contracts.session.steps import ActResult
from holdfast_workflows.contracts.teams.children import ChildOutcome, Children

OUTCOMES: Final[ContextVar[tuple[ChildOutcome, ...]]] = ContextVar("OUTCOMES", default=())
"""How the child sessions of the present call ended; empty before they have run."""


class ChildrenNeeded(Needed):
    """The call needs child sessions first."""

    def __init__(self, children: Children) -> None:
        super().__init__(f"{len(children.requests)} tasks for other agents", ActResult(children=children))
