"""Reading and storing content through standalone activities, for clients that reach only Temporal."""

from typing import Any

from ..base import Contract
from ..limits import MAX_PAYLOAD
from ..public import public
from ..session.entries import Entry
from ..session.session import TurnView


class ReadLog(Contract):
    """Read a session's log from ``start`` on. Texts longer than ``text_limit`` bytes are cut to a preview."""

    session: str
    start: int = 0
    count: int = 50
    text_limit: int = 4_096


class LogPage(Contract):
    """Entries in order; ``next`` is the next ``start``, None at the end."""

    entries: tuple[Entry, ...]
    next: int | None = None
    unknown: bool = False
    """Whether the state database has no row of the session."""


class ReadText(Contract):
    """Read one entry's text; ``offset`` counts characters, ``limit`` bytes."""

    session: str
    seq: int
    offset: int = 0
    limit: int = MAX_PAYLOAD // 2


class TextPart(Contract):
    """A part of a text, in JSON-safe form; ``total`` and ``offset`` count characters."""

    text: str
    offset: int
    total: int


class StoreText(Contract):
    """Store a text too large for a history; the same ``id`` twice is the same text."""

    session: str
    id: str
    text: str


class StoredText(Contract):
    """The reference of a stored text."""

    ref: str


class ReadTurn(Contract):
    """Read a turn that its workflow no longer keeps, or up to ``count`` turns from it on."""

    session: str
    turn: int
    count: int = 0


class StoredTurn(Contract):
    """The stored turn, if there is one; with ``count``, a page of turns in order."""

    view: TurnView | None = None
    views: tuple[TurnView, ...] = ()


@public
class AgentInfo(Contract):
    """An agent that the workers of this task queue serve."""

    name: str
    description: str
    models: tuple[str, ...]
    tools: tuple[str, ...]
    output_schema: dict[str, Any] | None = None
    """The JSON schema of its final replies; None for text."""


class AgentList(Contract):
    """The agents of a task queue."""

    agents: tuple[AgentInfo, ...]


class ReadValues(Contract):
    """Read values of a session's tools: one, or all after a key."""

    session: str
    key: str = ""
    after: str = ""


class StoredValue(Contract):
    """A value as JSON text."""

    key: str
    version: int
    text: str


class ValuePage(Contract):
    """Values in the order of their keys; ``next`` is the key after which there are more, empty at the end."""

    values: tuple[StoredValue, ...] = ()
    next: str = ""
