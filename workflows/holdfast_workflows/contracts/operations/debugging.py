"""Requests of people who find out what happened."""

from typing import Any, Final

from pydantic import Field

from ..base import Contract
from ..limits import MAX_NAME
from ..public import public

MAX_DEBUG: Final = 86_400.0
"""Seconds that debug mode may be on."""


class ReadConfiguration(Contract):
    """Read what a session runs with: its agent's spec, and its workers' settings."""

    session: str


class Configuration(Contract):
    """What a session runs with, without secrets."""

    spec: dict[str, Any] = Field(default_factory=dict)
    """The spec that the session has pinned: instructions, models, tools and limits."""
    settings: dict[str, str] = Field(default_factory=dict)
    """The ``HOLDFAST_…`` variables of the worker that answered."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Versions of that worker: Holdfast, Python, Temporal's SDK, the platform."""


class SetDebug(Contract):
    """Turn debug mode of a session on for so many seconds; off with 0. ``by`` counts without an identity provider."""

    seconds: float = Field(default=3_600.0, ge=0, le=MAX_DEBUG)
    by: str = Field(default="", max_length=MAX_NAME)


@public
class DebugMode(Contract):
    """Debug mode of a session: when and by whom it was turned on, and until when. Times are seconds since 1970."""

    since: float
    until: float
    by: str = ""


@public
class DebugRecord(Contract):
    """What one attempt of an activity did while its session was in debug mode, without secrets.

    Attributes:
        id: Its id; ids are in the order of time.
        turn: Its turn.
        step: Its step; 0 for none.
        activity: ``think``, the name of a tool, or another activity.
        attempt: Which attempt it was.
        at: When it began, in seconds since 1970.
        seconds: How long it took.
        trace: Its trace, if the worker traces.
        error: Why it failed; empty for others.
        phases: What took the time, as pairs of a name and seconds, in order. They may be nested.
        details: What was sent and received, in order: ``kind`` is ``prompt``, ``http``, ``reply``, ``call`` or
            ``result``.
        cut: Bytes that were left out because the record was too large.
    """

    id: str
    turn: int = 0
    step: int = 0
    activity: str = ""
    attempt: int = 1
    at: float = 0.0
    seconds: float = 0.0
    trace: str = ""
    error: str = ""
    phases: tuple[tuple[str, float], ...] = ()
    details: tuple[dict[str, Any], ...] = ()
    cut: int = 0


class ReadDebug(Contract):
    """Read records of a session's debug mode, after the one with an id."""

    session: str
    after: str = ""


class DebugPage(Contract):
    """Records in the order of time; ``next`` is the id after which there are more, empty at the end."""

    records: tuple[DebugRecord, ...] = ()
    next: str = ""
