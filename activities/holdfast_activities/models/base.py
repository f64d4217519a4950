"""What a model client is: one call over one wire format, with no retries inside.

A conversation reaches a model as fragments: each log entry serialised once for the
wire format, kept by the worker, and joined into a request body. Nothing is serialised
twice, so the cost of a call does not grow with the work done before it.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from holdfast_activities.state.coordination.bucket import Rate
from holdfast_workflows.contracts.agent.spec import OutputSpec, ToolSpec
from holdfast_workflows.contracts.session.entries import Entry, Finish, ReplyEntry, ToolCall, Usage


@dataclass(frozen=True)
class Fragment:
    """A log entry in a wire format. ``tokens`` is an estimate.

    ``kind`` is the entry's; ``calls`` how many results a reply expects, so that a reply
    and its results are kept or left out together. ``plain`` is a reply without what its
    provider wants back verbatim; empty if there is nothing of that.
    """

    seq: int
    kind: str
    data: bytes
    tokens: int
    calls: int = 0
    plain: bytes = b""

    def sent(self, *, plain: bool) -> bytes:
        """What is sent of it."""
        return self.plain if plain and self.plain else self.data

    @cached_property
    def digest(self) -> bytes:
        """Of ``data``: 32 bytes, made once, since a fragment is in the prompts of many steps."""
        return hashlib.sha256(self.data).digest()


@dataclass(slots=True)
class Consumed:
    """What a call used that ended without a reply, for the caller to charge: a provider bills it all the same.

    ``answered`` says that an answer had begun; ``usage`` is None as long as nothing is known to have been used.
    """

    answered: bool = False
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call. ``tools`` is what ``Model.tools`` made of the agent's tools; empty for none."""

    instructions: str
    fragments: Sequence[Fragment]
    tools: bytes = b""
    output: OutputSpec | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    timeout: float = 120.0
    stream: bool = False
    no_calls: bool = False
    """Whether tools may not be called. They are still sent, since the conversation mentions them."""
    consumed: Consumed = field(default_factory=Consumed, compare=False)
    """Filled in by the client when the call ends without a reply."""
    plain: bool = False
    """Whether to omit the ``extra`` of earlier replies, which another provider would refuse."""


@dataclass(frozen=True, slots=True)
class Remaining:
    """What remains of a provider's rate limits, and the seconds until they reset; None if not reported."""

    requests: int | None = None
    requests_reset: float | None = None
    tokens: int | None = None
    tokens_reset: float | None = None


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What the model answered. ``extra`` goes into the log and back to the same wire verbatim.

    ``remaining`` is what the answer's headers say of the provider's rate limits. ``counted`` says that the
    usage is the provider's own count, and not an estimate.
    """

    text: str
    calls: tuple[ToolCall, ...]
    finish: Finish
    usage: Usage
    model: str
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    remaining: Remaining | None = None
    counted: bool = True


class Model(Protocol):
    """A client for one model.

    ``wire`` names the format; models of one format and provider share fragments. ``name`` is
    ``provider:model``; ``window`` is its context window in tokens.
    """

    @property
    def wire(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def provider(self) -> str:
        """The provider; a reply's ``extra`` is sent back only to it."""
        ...

    @property
    def window(self) -> int: ...

    @property
    def rate(self) -> Rate:
        """The provider's limits per minute as they were configured; none by default."""
        ...

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """US dollars that so many tokens cost at most, none of them read from a cache; what a call is reserved at."""
        ...

    def call_ids(self, entry: ReplyEntry) -> Sequence[str]:
        """The ids of a reply's calls as this provider gave them; empty where another gave them."""
        ...

    def fragment(self, entry: Entry) -> Fragment:
        """The entry in this wire format, its text cleaned; memories and summaries come as the messages they read as."""
        ...

    def tools(self, tools: Sequence[ToolSpec]) -> bytes:
        """The agent's tools in this wire format, made once per spec."""
        ...

    async def complete(
        self, request: ModelRequest, on_text: Callable[[str], None] | None = None
    ) -> ModelReply:
        """Call the model once.

        Args:
            request: What to send.
            on_text: With ``request.stream``, called with the whole text so far as it grows.

        Raises:
            ModelError: The subclass says what happened and whether trying again may help. What was used all
                the same is in ``request.consumed``, as when the call is cancelled.
        """
        ...
