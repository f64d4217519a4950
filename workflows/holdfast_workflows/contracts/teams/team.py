"""Teams without a model of their own: agents that work in a fixed order, as data."""

from typing import Literal

from ..base import Contract
from ..public import public
from .children import Join

TeamKind = Literal["pipeline", "parallel", "debate"]
"""``pipeline``: one after the other, each with the result before; ``parallel``: all at once; ``debate``: all at once,
in several rounds, each with what the others have written."""


@public
class TeamMember(Contract):
    """An agent of a team: the tool of the team that gives it a task, and a template of the task."""

    agent: str
    tool: str
    task: str = ""


@public
class TeamSpec(Contract):
    """How a team works. ``last`` judges or combines what the members have written."""

    kind: TeamKind
    members: tuple[TeamMember, ...]
    last: TeamMember | None = None
    rounds: int = 1
    join: Join = "all"
    """Of a parallel team: with ``first`` and ``quorum`` its members have one tool in common."""
