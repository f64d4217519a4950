"""Retention: how long content of ended sessions is kept, legal holds, and what was removed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import Field

from ..base import Contract
from ..public import public

RetentionKind = Literal["idle", "session", "log", "texts", "prompts", "effects", "costs"]
"""``idle``: an open session without activity, which is closed. The others are removed from ended sessions:
``session`` is all of it; ``log`` the entries, the turns' texts and the team's board; ``texts`` long texts stored by
reference; ``prompts`` manifests; ``effects`` settled calls; ``costs`` accounts.
"""
HoldKind = Literal["session", "user", "tenant"]

ALL_TENANTS: Final = "*"
"""The tenant of rules for all tenants without one of their own."""

BUILT_IN: Final[Mapping[RetentionKind, float | None]] = {
    "idle": 365.0,
    "session": 365.0,
    "log": None,
    "texts": None,
    "prompts": 30.0,
    "effects": None,
    "costs": 365.0,
}
"""Days without a rule; None for no limit. What has no limit of its own is removed with the session."""

CONTENT: Final[tuple[RetentionKind, ...]] = ("log", "texts", "prompts", "effects", "costs", "session")
"""The kinds of an ended session's content; the last is everything."""

NEEDED: Final[tuple[RetentionKind, ...]] = ("session", "log", "texts", "effects")
"""Kinds without which a session cannot continue after a reset."""

_MOST_DAYS = 36_500.0


@public
class RetentionRule(Contract):
    """How many days a tenant's content of a kind is kept; None for no limit.

    ``by`` set it ``at`` a time in seconds since 1970; both are empty for a built-in rule.
    """

    tenant: str
    kind: RetentionKind
    days: float | None
    by: str = ""
    at: float = 0.0


class SetRetention(Contract):
    """Set a rule, or with ``reset`` remove it, so that the rule of all tenants, or the built-in one, applies."""

    kind: RetentionKind
    days: float | None = Field(default=None, gt=0, le=_MOST_DAYS)
    reset: bool = False
    tenant: str = ""
    by: str = ""


class ListRetention(Contract):
    """List the rules that apply to a tenant; None for those of all tenants, and all that tenants have of their own."""

    tenant: str | None = None


class RetentionList(Contract):
    """Rules, those of all tenants first."""

    rules: tuple[RetentionRule, ...]


@public
class Hold(Contract):
    """A legal hold: nothing of its subject is removed or closed while it lasts.

    ``subject`` is a session's or a user's id, empty for the tenant. A session's hold includes the sessions that it
    started. ``at`` is in seconds since 1970.
    """

    id: str
    kind: HoldKind
    subject: str = ""
    tenant: str = ""
    reason: str = ""
    by: str = ""
    at: float = 0.0


class AddHold(Contract):
    """Place a hold; the same ``id`` again is the same hold."""

    id: str = Field(min_length=1, max_length=200)
    kind: HoldKind
    subject: str = ""
    tenant: str = ""
    reason: str = Field(min_length=1, max_length=1_000)
    by: str = ""


class RemoveHold(Contract):
    """Remove a hold."""

    id: str
    tenant: str | None = None
    """Only a hold of this tenant."""
    reason: str = Field(min_length=1, max_length=1_000)
    by: str = ""


class ListHolds(Contract):
    """List the holds of a tenant; None for all."""

    tenant: str | None = None


class HoldList(Contract):
    """Holds, the oldest first."""

    holds: tuple[Hold, ...]


@public
class Removed(Contract):
    """What retention removed of a session, and when, in seconds since 1970."""

    kind: RetentionKind
    at: float


class ReadRemovals(Contract):
    """Read what was removed of a session."""

    session: str


class RemovalList(Contract):
    """What was removed, in order of time."""

    removed: tuple[Removed, ...] = ()


def removed_in_words(removed: tuple[Removed, ...]) -> str:
    """Return what was removed, with the days, for people."""
    days: dict[str, list[str]] = {}
    for each in removed:
        day = datetime.fromtimestamp(each.at, UTC).date().isoformat()
        days.setdefault(day, []).append("everything" if each.kind == "session" else each.kind)
    return "; ".join(f"{', '.join(kinds)} on {day}" for day, kinds in days.items())
