"""Entries of a session's log, one per sequence number.

The workflow allots the numbers. A reply at ``seq`` reserves ``seq + 1 … seq + n`` for the results of its ``n``
calls, in their order. Each entry is written once: the first writer wins, and later ones get what it wrote.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from ..base import Contract
from ..public import public

ResultStatus = Literal["ok", "failed", "invalid", "cancelled", "denied"]
Finish = Literal["stop", "tool_calls", "length", "content_filter", "refusal"]


@public
class Usage(Contract):
    """Usage of a model call. ``cost`` is in US dollars; ``cached_tokens`` are part of ``input_tokens``."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cost=self.cost + other.cost,
        )


@public
class ToolCall(Contract):
    """A call that the model asked for. ``id`` is the provider's; ``arguments`` the JSON text as received."""

    id: str
    name: str
    arguments: str


class _Entry(Contract):
    seq: int
    turn: int = 0
    step: int = 0
    at: float = 0.0
    """Seconds since 1970, UTC, by the clock of the worker that wrote it."""


@public
class UserEntry(_Entry):
    """A message of the user, steering, or a note to repair a reply."""

    kind: Literal["user"] = "user"
    role: Literal["message", "steer", "repair"] = "message"
    text: str


@public
class ReplyEntry(_Entry):
    """The reply of one model call."""

    kind: Literal["reply"] = "reply"
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: Finish = "stop"
    usage: Usage = Usage()
    model: str = ""
    seconds: float = 0.0
    extra: dict[str, Any] = Field(default_factory=dict)
    """Data that the provider requires back verbatim (signed thinking blocks)."""


@public
class ResultEntry(_Entry):
    """The result of one call."""

    kind: Literal["result"] = "result"
    call_id: str
    name: str
    text: str
    status: ResultStatus = "ok"
    seconds: float = 0.0
    source: Literal["tool", "recorded", "fenced"] = "tool"
    """In a fork: ``recorded`` results are those of the other session, ``fenced`` calls were not made."""


@public
class RecalledMemory(Contract):
    """A memory as it was when it was recalled."""

    id: str
    text: str
    speaker: str = ""
    at: float = 0.0
    trust: str = ""
    score: float = 0.0
    why: str = ""


@public
class MemoryEntry(_Entry):
    """The memories recalled for the message that follows. The model sees ``text``."""

    kind: Literal["memory"] = "memory"
    text: str = ""
    memories: tuple[RecalledMemory, ...] = ()


@public
class SummaryEntry(_Entry):
    """A summary that replaces the entries with ``start <= seq < stop`` in prompts; they stay in the log.

    A step uses it only if its ``ThinkInput.summary`` has its number.
    """

    kind: Literal["summary"] = "summary"
    text: str
    start: int
    stop: int
    how: Literal["extract", "model"] = "extract"
    covered: int = 0
    """Estimated tokens of the entries it covers."""
    usage: Usage = Usage()
    model: str = ""


Entry = Annotated[
    UserEntry | ReplyEntry | ResultEntry | MemoryEntry | SummaryEntry, Field(discriminator="kind")
]
