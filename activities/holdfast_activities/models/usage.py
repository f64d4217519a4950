"""The usage of a call: as the provider counted it, or estimated by size."""

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from holdfast_workflows.contracts.errors import EmptyReply
from holdfast_workflows.contracts.session.entries import Finish, ToolCall, Usage
from holdfast_workflows.contracts.text.unicode import size

from . import wire
from .base import Consumed, ModelReply, Remaining
from .errors.body import is_object
from .prices import Cost

_THOUGHT = re.compile(r"(?s)\s*<(think|thinking)>.*</\1>\s*")


class Counts(NamedTuple):
    """Tokens as a provider counted them; 0 where it reported none. ``read`` includes the last two."""

    read: int = 0
    written: int = 0
    cached: int = 0
    caching: int = 0

    def usage(self, sent: int, wrote: int, cost: Cost) -> Usage:
        """The usage, with estimates by bytes sent and written in place of zeros, so that a budget always binds."""
        read = self.read or max(1, sent // 4)
        written = self.written or (wrote // 4 + 1 if wrote else 0)
        price = cost(read, written, self.cached, self.caching)
        return Usage(input_tokens=read, output_tokens=written, cached_tokens=self.cached, cost=price)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read from any wire format. ``thought`` is the reasoning that the text does not contain."""

    text: str
    ended: Finish
    calls: tuple[ToolCall, ...]
    counts: Counts
    thought: str = ""
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    def reply(self, name: str, sent: int, cost: Cost, remaining: Remaining | None = None) -> ModelReply:
        """The reply of the model ``name`` to a request of ``sent`` bytes."""
        arguments = sum(size(call.name) + size(call.arguments) for call in self.calls)
        wrote = size(self.text) + size(self.thought) + arguments
        return ModelReply(
            text=self.text,
            calls=self.calls,
            finish="tool_calls" if self.calls else self.ended,
            usage=self.counts.usage(sent, wrote, cost),
            model=name,
            extra=self.extra,
            remaining=remaining,
            counted=self.counts.read > 0,
        )


def merged(before: dict[str, Any], reported: Any) -> dict[str, Any]:
    """Add a report of usage to those before it in the stream; a zero or null replaces nothing."""
    if not is_object(reported):
        return before
    return {**before, **{key: value for key, value in reported.items() if value or key not in before}}


def openai(reported: Any) -> Counts:
    """The counts in a chat completion's ``usage``, of any shape."""
    given = reported if is_object(reported) else {}
    total = wire.counted(given.get("total_tokens"))
    written = wire.counted(given.get("completion_tokens") or given.get("output_tokens"))
    read = wire.counted(given.get("prompt_tokens") or given.get("input_tokens")) or max(total - written, 0)
    details = given.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if is_object(details) else 0
    cached = wire.counted(cached or given.get("prompt_cache_hit_tokens"))
    # Some servers count reasoning in the total only.
    return Counts(read, max(written, total - read), min(read, cached))


def anthropic(reported: Any) -> Counts:
    """The counts in a message's ``usage``, of any shape."""
    given = reported if is_object(reported) else {}
    cached = wire.counted(given.get("cache_read_input_tokens"))
    caching = wire.counted(given.get("cache_creation_input_tokens"))
    read = wire.counted(given.get("input_tokens")) + cached + caching
    return Counts(read, wire.counted(given.get("output_tokens")), cached, caching)


@contextmanager
def noted(consumed: Consumed, sent: int, wrote: Callable[[], int], cost: Cost) -> Generator[None]:
    """Estimate the usage of a call that fails or is cancelled after the answer began; refusals are not billed."""
    try:
        yield
    except BaseException:
        if (consumed.answered or wrote() > 0) and consumed.usage is None:
            consumed.usage = Counts().usage(sent, wrote(), cost)
        raise


def filled(reply: ModelReply, consumed: Consumed) -> ModelReply:
    """Return the reply if it has content.

    Raises:
        EmptyReply: The model ended normally with neither text nor a call.
    """
    normal = reply.finish in {"stop", "tool_calls"}
    if normal and not reply.calls and (not reply.text.strip() or _THOUGHT.fullmatch(reply.text)):
        consumed.usage = reply.usage
        raise EmptyReply(reply.model)
    return reply
