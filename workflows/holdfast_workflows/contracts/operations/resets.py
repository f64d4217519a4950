"""Resets of a session's workflow: setting aside the old run's writes in the state database."""

from ..base import Contract

Abandoned = tuple[tuple[int, int], ...]
"""Ranges of the log, ``start <= seq < stop``, that were set aside by resets."""


class AsideInput(Contract):
    """Set aside what was written beyond the point that a session was reset to.

    ``seq`` is the first number of the log that is not used at that point, ``turn`` the first turn that
    has not ended. ``open`` are the numbers below ``seq`` of results that are going to be written again.
    """

    session: str
    seq: int
    turn: int
    open: tuple[int, ...] = ()
    stop: int = 0
    """The first number that the session uses after the reset: only what calls of the old run have written below
    it since is removed. 0 where nothing was set aside yet."""


class AsideResult(Contract):
    """Where the session continues: after every number and turn that it ever used, at its snapshot's version.

    ``logs`` is how many logs have been set aside in all.
    """

    seq: int = 0
    turns: int = 0
    version: int = 0
    logs: int = 0


def aside(session: str, number: int) -> str:
    """The name under which the log that the session's ``number``-th reset left behind is kept."""
    return f"{session}~reset-{number}"
