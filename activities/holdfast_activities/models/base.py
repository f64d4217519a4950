"""The interface of a model client: one call over one wire format, with no retries inside.

A conversation reaches a model as fragments: each log entry is serialised once for the
wire format, kept by the worker, and joined into a request body. The cost of a call
therefore does not grow with the work done before it.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from holdfast_activities.state.coordination.bucket import Rate
from holdfast_workflows.contracts.agent.spec import OutputSpec, ToolSpec
from holdfast_workflows.contracts.session.entries import Entry, Finish, ReplyEntry, ToolCall, Usage

from . import wire
from .prices import Listing


@dataclass(frozen=True)
class Fragment:
    """A log entry in a wire format. ``tokens`` is an estimate.

    ``kind`` is the entry's. ``calls`` is the number of results that a reply expects, so that
    a reply and its results are kept or dropped together. ``plain`` is a reply without what
    its provider wants back verbatim; empty if there is no such content. ``tool`` is the tool whose result it is.
    """

    seq: int
    kind: str
    data: bytes
    tokens: int
    calls: int = 0
    plain: bytes = b""
    tool: str = ""

    def sent(self, *, plain: bool) -> bytes:
        """The bytes that a request contains."""
        return self.plain if plain and self.plain else self.data

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of ``data``, computed once, since a fragment is in the prompts of many steps."""
        return hashlib.sha256(self.data).digest()


@dataclass(slots=True)
class Consumed:
    """The usage of a call that ended without a reply. The caller charges it, since a provider bills it.

    ``answered`` is whether an answer had begun. ``usage`` is None while no usage is known.
    """

    answered: bool = False
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call. ``tools`` is the result of ``Model.tools``; empty for none."""

    instructions: str
    fragments: Sequence[Fragment]
    tools: bytes = b""
    output: OutputSpec | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    timeout: float = 120.0
    stream: bool = False
    no_calls: bool = False
    """Whether tool calls are forbidden. Tools are still sent, since the conversation mentions them."""
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
    """A model's reply. ``extra`` goes into the log and back to the same provider verbatim.

    ``remaining`` comes from the answer's headers. ``counted`` is whether the usage is the
    provider's own count and not an estimate.
    """

    text: str
    calls: tuple[ToolCall, ...]
    finish: Finish
    usage: Usage
    model: str
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    remaining: Remaining | None = None
    counted: bool = True


class Model(ABC):
    """A client for one model.

    Models of one ``wire`` format and ``provider`` share fragments. ``name`` is ``provider:model``,
    ``window`` the context window in tokens, ``rate`` the configured limits per minute. Without a known price it is
    not ``priced``, and its calls count as free.
    """

    wire: ClassVar[str]

    def __init__(self, name: str, provider: str, listing: Listing, rate: Rate) -> None:
        """A client; a reply's ``extra`` is sent back only to the provider that gave it."""
        self.name = name
        self.provider = provider
        self.window = listing.window
        self.rate = rate
        self.priced = listing.priced
        self._listing = listing

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """US dollars that so many tokens cost at most, without cache reads; the amount to reserve."""
        return self._listing.most(input_tokens, output_tokens)

    def reply_share(self, usage: Usage) -> float:
        """The share of the reply in the cost of a call, from 0 to 1; the rest is the prompt's."""
        written = self._listing.cost(0, usage.output_tokens, 0, 0)
        read = self._listing.cost(usage.input_tokens, 0, usage.cached_tokens, 0)
        return written / (written + read) if written + read else 0.0

    def call_ids(self, entry: ReplyEntry) -> Sequence[str]:
        """The ids of a reply's calls as this provider gave them; empty where another gave them."""
        own = wire.is_own(entry, self.provider)
        return [call.id if own else "" for call in entry.calls]

    @abstractmethod
    def fragment(self, entry: Entry) -> Fragment:
        """Serialise the entry, with its text cleaned. Empty for an empty reply, which many servers refuse."""

    @abstractmethod
    def tools(self, tools: Sequence[ToolSpec]) -> bytes:
        """Serialise an agent's tools, once per spec; empty for none.

        Raises:
            InvalidDeclaration: There are more tools than the provider accepts.
        """

    @abstractmethod
    async def complete(
        self, request: ModelRequest, on_text: Callable[[str], None] | None = None
    ) -> ModelReply:
        """Call the model once. With ``request.stream``, ``on_text`` gets the whole text so far as it grows.

        Raises:
            ModelError: The subclass says what happened and whether a retry may help. ``request.consumed``
                then holds the usage, as it does when the call is cancelled.
        """
