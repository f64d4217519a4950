"""What a session's log holds, one entry per sequence number.

The workflow allots the numbers. A reply at ``seq`` reserves ``seq + 1 … seq + n`` for
the results of its ``n`` calls, in the order of the calls, so every activity can tell
from a reply alone where each result belongs. Entries are settled once: the first
writer wins and later ones are given what it wrote.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from ..base import Contract

ResultStatus = Literal["ok", "failed", "invalid", "cancelled"]
Finish = Literal["stop", "tool_calls", "length", "content_filter", "refusal"]


class Usage(Contract):
    """What a model call used. ``cost`` in US dollars; ``cached_tokens`` are part of ``input_tokens``."""

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


class ToolCall(Contract):
    """A call the model asked for. ``id`` is the provider's; ``arguments`` the JSON text as it sent it."""

    id: str
    name: str
    arguments: str


class _Entry(Contract):
    seq: int
    turn: int = 0
    step: int = 0
    at: float = 0.0
    """Seconds since 1970, UTC, by the clock of the worker that wrote it."""


class UserEntry(_Entry):
    """A message from the user, or steering (``role`` says which) while the turn ran."""

    kind: Literal["user"] = "user"
    role: Literal["message", "steer", "repair"] = "message"
    text: str


class ReplyEntry(_Entry):
    """One model call's answer."""

    kind: Literal["reply"] = "reply"
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: Finish = "stop"
    usage: Usage = Usage()
    model: str = ""
    seconds: float = 0.0
    extra: dict[str, Any] = Field(default_factory=dict)
    """What the provider wants back verbatim with the conversation (signed thinking blocks)."""


class ResultEntry(_Entry):
    """The result of one call. ``status`` says how it came about."""

    kind: Literal["result"] = "result"
    call_id: str
    name: str
    text: str
    status: ResultStatus = "ok"
    seconds: float = 0.0


class Recalled(Contract):
    """A memory as it was when it was recalled."""

    id: str
    text: str
    speaker: str = ""
    at: float = 0.0
    trust: str = ""
    score: float = 0.0
    why: str = ""


class MemoryEntry(_Entry):
    """What was recalled for the message that follows it. ``text`` is what the model is shown."""

    kind: Literal["memory"] = "memory"
    text: str = ""
    memories: tuple[Recalled, ...] = ()


class SummaryEntry(_Entry):
    """What stands for the entries with ``start <= seq < stop`` where they no longer fit; they stay readable.

    It can be made again from them, so it is never the only copy of anything. It counts only for
    the steps that it is shown to, whatever its own number is.
    """

    kind: Literal["summary"] = "summary"
    text: str
    start: int
    stop: int
    how: Literal["extract", "model"] = "extract"
    covered: int = 0
    """Tokens, estimated, of what it covers."""
    usage: Usage = Usage()
    model: str = ""


Entry = Annotated[
    UserEntry | ReplyEntry | ResultEntry | MemoryEntry | SummaryEntry, Field(discriminator="kind")
]
