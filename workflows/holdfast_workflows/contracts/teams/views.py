"""A session's child sessions, as people and programs see them."""

from __future__ import annotations

from ..base import Contract
from ..public import public
from ..session.entries import Usage


@public
class ChildView(Contract):
    """A child session that runs. ``text`` is the beginning of its task; ``since`` is in seconds since 1970, UTC."""

    text: str = ""
    session: str
    agent: str
    since: float


@public
class TeamView(Contract):
    """The child sessions of a session: those that run, and totals of those that ended, with their own children."""

    running: tuple[ChildView, ...] = ()
    ended: int = 0
    usage: Usage = Usage()
    uncounted: int = 0
    """Children that were cancelled, whose usage is not included."""

    @classmethod
    def of(cls, usage: Usage, team: TeamView | None) -> TeamView:
        """Count a session that used so much and had these children, for its parent."""
        below = team or cls()
        return cls(ended=below.ended + 1, usage=usage + below.usage, uncounted=below.uncounted)
