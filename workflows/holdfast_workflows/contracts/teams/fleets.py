"""Fleets: one agent over many items, each item in a child session.

The items are in the state database, in chunks. A history has their number, and for each a letter and a digit.
"""

from typing import Final, Literal

from pydantic import Field

from ..agent.budget import Budget
from ..agent.spec import OutputSpec
from ..base import Contract
from ..control.assertions import SignedStart
from ..limits import MAX_CONCURRENCY, MAX_ITEMS, MAX_NAME
from ..permissions.rules import Permissions
from ..problems import Problem
from ..public import public
from ..session.entries import Usage
from .children import ChildOutcome, Parent

FleetStatus = Literal["starting", "running", "paused", "cancelling", "done", "cancelled"]
ItemStatus = Literal["pending", "running", "done", "failed", "cancelled"]

LETTERS: Final[dict[str, ItemStatus]] = {
    ".": "pending",
    "r": "running",
    "d": "done",
    "f": "failed",
    "c": "cancelled",
}
"""The status of an item as carried by continue-as-new."""

MOST_ATTEMPTS: Final = 9
"""Attempts at one item; a digit counts them."""


def item_session(fleet: str, place: int, attempt: int) -> str:
    """Return the session of an item, counted from 0; further attempts have their own."""
    return f"{fleet}.{place + 1}" + (f".{attempt}" if attempt > 1 else "")


class Chunk(Contract):
    """A stored text with ``count`` items."""

    ref: str = Field(max_length=MAX_NAME)
    count: int = Field(ge=1)


class Item(Contract):
    """An item as it is stored: its id, which results have, and the message for the agent."""

    id: str
    message: str


@public
class FleetError(Contract):
    """An error of items: how many have it, and one of them as an example."""

    code: str
    count: int
    message: str
    session: str


class OpenedFleet(Contract):
    """What each session of a fleet starts with."""

    tenant: str
    user: str
    parent: Parent
    structured: bool = False
    """Whether replies are JSON of an output type."""


class FleetState(Contract):
    """The state carried to the next run by continue-as-new, or by a retry after the end."""

    statuses: str = Field(default="", max_length=MAX_ITEMS)
    attempts: str = Field(default="", max_length=MAX_ITEMS)
    usage: Usage = Usage()
    errors: tuple[FleetError, ...] = ()
    paused: str = ""
    """Why a person has paused the fleet; empty if it is not paused."""
    spent: str = ""
    """The limit of the budget that has paused the fleet; empty if none has."""
    cancelled: bool = False
    budget: Budget | None = None
    started: float = 0.0
    opened: OpenedFleet | None = None


class FleetStart(Contract):
    """Start a fleet, or with ``carry`` go on with it."""

    agent: str = Field(default="", max_length=MAX_NAME)
    chunks: tuple[Chunk, ...] = Field(default=(), max_length=MAX_ITEMS)
    tenant: str = Field(default="", max_length=MAX_NAME)
    user: str = Field(default="", max_length=MAX_NAME)
    concurrency: int = Field(default=10, ge=1, le=MAX_CONCURRENCY)
    budget: Budget | None = None
    """What all items may use together."""
    output: OutputSpec | None = None
    max_steps: int | None = None
    permissions: Permissions | None = None
    heartbeat_timeout: float = Field(default=5.0, ge=2, le=600)
    continue_as_new_after: int = Field(default=6_000, ge=100)
    carry: FleetState | None = None


class OpenFleet(Contract):
    """Check who starts a fleet, and what its sessions may use."""

    session: str
    agent: str
    tenant: str = ""
    user: str = ""
    identity: SignedStart | None = None
    settings: bool = False
    """Whether the start sets limits: a budget or steps."""
    output: bool = False
    """Whether the start gives an output type."""


class PrepareItems(Contract):
    """Store the messages of items for their sessions: pairs of the place in the chunk and the session."""

    session: str
    ref: str
    items: tuple[tuple[int, str], ...]


class PreparedItem(Contract):
    """The beginning of a stored message, and its size."""

    text: str
    size: int


class PreparedItems(Contract):
    """In the order of the request."""

    items: tuple[PreparedItem, ...]


ITEM_REF: Final = "item"
"""The reference of an item's message in its session."""


class FindOutcomes(Contract):
    """Look for sessions that were started by an earlier run of the fleet."""

    session: str
    sessions: tuple[str, ...]


class FoundOutcomes(Contract):
    """The outcomes of those that have ended, by session."""

    outcomes: dict[str, ChildOutcome]


@public
class FleetReport(Contract):
    """How far a fleet is. Every item is in one of the counts."""

    fleet: str
    agent: str
    status: FleetStatus
    reason: str = ""
    """Why it is paused."""
    total: int
    pending: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0
    retried: int = 0
    """Attempts beyond the first of each item."""
    usage: Usage = Usage()
    """Of all attempts that have ended."""
    budget: Budget | None = None
    errors: tuple[FleetError, ...] = ()
    """The errors of the items that have failed, most frequent first."""
    tenant: str = ""
    user: str = ""
    started: float = 0.0
    ended: float = 0.0


class FleetItems(Contract):
    """The state of each item, for results and for a retry after the end."""

    start: FleetStart
    state: FleetState


class ReadItems(Contract):
    """Read a page of results: items of one chunk from ``first`` on, with their sessions; "" for one never started."""

    session: str
    ref: str
    first: int
    sessions: tuple[str, ...]


class FleetItem(Contract):
    """One item with its result. A reply that is too large for a page is left out; its number is ``reply_seq``."""

    id: str
    status: ItemStatus
    session: str = ""
    """The session of the last attempt; empty for one that has not started."""
    message: str = ""
    """The message's beginning."""
    reply: str | None = ""
    reply_seq: int = 0
    usage: Usage = Usage()
    """Of the last attempt."""
    seconds: float = 0.0
    error: Problem | None = None


class ItemPage(Contract):
    """As many of the items as fit one payload, in order."""

    items: tuple[FleetItem, ...]
