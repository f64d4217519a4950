"""Resets of a session's workflow: setting aside the old run's writes in the state database."""

from ..base import Contract

Abandoned = tuple[tuple[int, int], ...]
"""Ranges of the log, ``start <= seq < stop``, that were set aside by resets."""


class AsideInput(Contract):
    """Set aside what was written after the point that a session was reset to.

    At that point ``seq`` is the next free number of the log, ``turn`` the first turn that has not ended. ``open``
    are numbers below ``seq`` of results that will be written again.
    """

    session: str
    seq: int
    turn: int
    open: tuple[int, ...] = ()
    stop: int = 0
    """The session's first number after the reset: only late writes below it are removed. 0 before the first
    set-aside."""


class AsideResult(Contract):
    """Where the session continues: after every number and turn it ever used, at its snapshot's version.

    ``logs`` is the number of logs set aside in all.
    """

    seq: int = 0
    turns: int = 0
    version: int = 0
    logs: int = 0
    removed: str = ""
    """What retention has removed that the session needs, in words."""


def aside(session: str, number: int) -> str:
    """Return the name of the log that the session's ``number``-th reset has set aside."""
    return f"{session}~reset-{number}"
