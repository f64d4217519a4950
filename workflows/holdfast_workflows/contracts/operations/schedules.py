"""Schedules: tasks that the server starts by cron or at an interval."""

import re
from typing import Final, Literal

from pydantic import Field

from ..base import Contract
from ..control.assertions import digest_of
from ..errors import BadInput
from ..limits import MAX_NAME
from ..public import public
from ..session.session import StartInput
from ..text.nearest import no_such

Overlap = Literal["skip", "buffer_one", "buffer_all", "cancel_other", "allow_all"]
"""What happens if a task is due while an earlier one runs: it is skipped; one or all wait for it; the earlier one is
cancelled; both run."""

VALUES: Final = ("scheduled_at", "date", "time", "schedule")
"""What a message may name in braces."""

_PLACE: Final = re.compile(r"\{([a-z_]+)\}")


@public
class ScheduleRun(Contract):
    """A task that a schedule has started. Times are in seconds since 1970."""

    session: str
    scheduled_at: float
    started_at: float


@public
class ScheduleView(Contract):
    """A schedule with its next and its newest tasks. Times are in seconds since 1970."""

    id: str
    agent: str
    message: str
    when: str
    """The cron expression, or ``every`` with seconds."""
    time_zone: str = "UTC"
    overlap: Overlap = "skip"
    jitter: float = 0.0
    """Seconds by which a start is delayed at most."""
    tenant: str = ""
    user: str = ""
    paused: bool = False
    note: str = ""
    next: tuple[float, ...] = ()
    recent: tuple[ScheduleRun, ...] = ()
    running: tuple[str, ...] = ()
    """Sessions that run now."""
    started: int = 0
    skipped: int = 0
    """Tasks that were not started because an earlier one was running."""
    missed: int = 0
    """Tasks that were not started because the server was down for too long."""


class GrantSchedule(Contract):
    """Check the start of a schedule's tasks, and sign that they may act for who asks."""

    start: StartInput


class ScheduleGrant(Contract):
    """The signature; empty without an identity provider."""

    grant: str = Field(default="", max_length=40 * MAX_NAME)


def schedule_digest(start: StartInput) -> str:
    """Return the digest of a scheduled start without its grant, which signs it."""
    unsigned = start.scheduled and start.scheduled.model_copy(update={"grant": ""})
    return digest_of([start.model_copy(update={"scheduled": unsigned})])


def check_message(text: str) -> None:
    """Check the names in a message.

    Raises:
        BadInput: A name in braces has no value.
    """
    if unknown := [name for name in _PLACE.findall(text) if name not in VALUES]:
        raise BadInput(f"the message: {no_such('value', unknown, VALUES)}")


def render(text: str, values: dict[str, str]) -> str:
    """Return the message of one task."""
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)
