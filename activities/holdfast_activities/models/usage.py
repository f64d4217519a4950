"""What a call used: as the provider counted it, and by size where it did not."""

import re
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any

from holdfast_workflows.contracts.errors import EmptyReply
from holdfast_workflows.contracts.session.entries import ToolCall, Usage
from holdfast_workflows.contracts.text.unicode import size

from . import wire
from .base import Consumed, ModelReply
from .prices import Cost

_THOUGHT = re.compile(r"(?s)\s*<(think|thinking)>.*</\1>\s*")


def written(text: str, calls: Iterable[ToolCall], thought: str = "") -> int:
    """Bytes that a model wrote."""
    return size(text) + size(thought) + sum(size(call.name) + size(call.arguments) for call in calls)


def merged(before: dict[str, Any], told: Any) -> dict[str, Any]:
    """What a stream told of usage so far; a zero or null takes nothing back."""
    if not isinstance(told, dict) or not told:
        return before
    given: dict[str, Any] = told  # pyright: ignore[reportUnknownVariableType] - JSON
    return {**before, **{key: value for key, value in given.items() if value or key not in before}}


def openai(told: Any, sent: int, wrote: int, cost: Cost) -> tuple[Usage, bool]:
    """The usage in a chat completion, and whether the provider counted the prompt.

    Args:
        told: What the answer tells, of any form.
        sent: Bytes of the request.
        wrote: Bytes that the model wrote.
        cost: The model's price.
    """
    given: dict[str, Any] = told if isinstance(told, dict) else {}  # pyright: ignore[reportUnknownVariableType] - JSON
    total = wire.counted(given.get("total_tokens"))
    write = wire.counted(given.get("completion_tokens") or given.get("output_tokens"))
    read = wire.counted(given.get("prompt_tokens") or given.get("input_tokens")) or max(total - write, 0)
    # Some servers count what a model thinks in the total only.
    write = max(write, total - read)
    details: Any = given.get("prompt_tokens_details")
    hit: Any = details.get("cached_tokens") if isinstance(details, dict) else 0  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType] - JSON
    cached = min(read, wire.counted(hit or given.get("prompt_cache_hit_tokens")))
    return completed(read, write, cached, 0, sent, wrote, cost)


def anthropic(told: Any, sent: int, wrote: int, cost: Cost) -> tuple[Usage, bool]:
    """The usage in a message, and whether the provider counted the prompt; see ``openai``."""
    given: dict[str, Any] = told if isinstance(told, dict) else {}  # pyright: ignore[reportUnknownVariableType] - JSON
    cached = wire.counted(given.get("cache_read_input_tokens"))
    caching = wire.counted(given.get("cache_creation_input_tokens"))
    read = wire.counted(given.get("input_tokens")) + cached + caching
    write = wire.counted(given.get("output_tokens"))
    return completed(read, write, cached, caching, sent, wrote, cost)


def estimated(sent: int, wrote: int, cost: Cost) -> Usage:
    """Estimate the usage of a call that the provider did not count."""
    return completed(0, 0, 0, 0, sent, wrote, cost)[0]


def completed(
    read: int, write: int, cached: int, caching: int, sent: int, wrote: int, cost: Cost
) -> tuple[Usage, bool]:
    """The usage with estimates in place of zeros, so that a budget always binds; and whether the prompt was counted."""
    counted = read > 0
    read = read or max(1, sent // 4)
    write = write or (wrote // 4 + 1 if wrote else 0)
    return Usage(
        input_tokens=read, output_tokens=write, cached_tokens=cached, cost=cost(read, write, cached, caching)
    ), counted


@contextmanager
def noted(consumed: Consumed, sent: int, wrote: Callable[[], int], cost: Cost) -> Generator[None]:
    """Note, by size, what a call used that ends without a reply.

    It counts if the model had begun to answer, whether it was then cancelled or broke off;
    refused requests are not billed.
    """
    try:
        yield
    except BaseException:
        if (consumed.answered or wrote() > 0) and consumed.usage is None:
            consumed.usage = estimated(sent, wrote(), cost)
        raise


def filled(reply: ModelReply, consumed: Consumed) -> ModelReply:
    """The reply, if there is anything in it.

    Raises:
        EmptyReply: The model ended normally with neither text nor a call.
    """
    normal = reply.finish in {"stop", "tool_calls"}
    if normal and not reply.calls and (not reply.text.strip() or _THOUGHT.fullmatch(reply.text)):
        consumed.usage = reply.usage
        raise EmptyReply(reply.model)
    return reply
