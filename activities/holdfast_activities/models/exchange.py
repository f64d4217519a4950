"""One request and its answer, whole or streamed, parsed but not yet understood."""

import json
from collections.abc import Callable
from typing import Any, Protocol

import httpx

from . import errors, wire
from .http import Endpoint
from .sse import Events

NONSENSE = (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError, RecursionError)
"""What reading an answer raises when it is not what the interface promises."""


Answer = tuple[dict[str, Any], httpx.Headers]
"""An answer, parsed, and its headers."""


class Gathered(Protocol):
    """A streamed answer being put together as the whole one would be; ``finish`` is why it ended, None before."""

    text: str
    finish: str | None

    def add(self, event: dict[str, Any]) -> None: ...

    def whole(self) -> dict[str, Any]: ...


async def ask(endpoint: Endpoint, body: bytes, seconds: float) -> Answer:
    """The answer to a request that is not streamed.

    Raises:
        ModelError: There is none.
    """
    data, headers = await endpoint.post(body, seconds)
    return _answer(endpoint, data), headers


async def listen(
    endpoint: Endpoint,
    body: bytes,
    seconds: float,
    gathered: Gathered,
    on_text: Callable[[str], None] | None,
) -> Answer:
    """The answer to a streamed request; a stream that ends before its answer did is an error.

    Raises:
        ModelError: There is none, or not all of it.
    """
    events = Events()

    def take(data: bytes) -> None:
        before = len(gathered.text)
        for event in events.feed(data):
            if event != b"[DONE]":
                _add(endpoint, gathered, event)
        if on_text is not None and len(gathered.text) > before:
            on_text(wire.received(gathered.text))

    unstreamed, headers = await endpoint.stream(body, seconds, take)
    if unstreamed:
        return _answer(endpoint, unstreamed), headers
    if gathered.finish is None:
        raise errors.cut_off(endpoint.name)
    return gathered.whole(), headers


def _answer(endpoint: Endpoint, data: bytes) -> dict[str, Any]:
    answer = _object(data)
    if answer is None:
        raise errors.malformed(endpoint.name, "the answer is not a JSON object", data, endpoint.secret)
    if answer.get("error"):
        raise errors.from_problem(endpoint.name, answer["error"], endpoint.secret)
    return answer


def _add(endpoint: Endpoint, gathered: Gathered, data: bytes) -> None:
    event = _object(data)
    if event is None:
        raise errors.malformed(
            endpoint.name, "an event of the stream is not a JSON object", data, endpoint.secret
        )
    if event.get("error"):
        raise errors.from_problem(endpoint.name, event["error"], endpoint.secret)
    try:
        gathered.add(event)
    except NONSENSE as error:
        what = f"an event of the stream makes no sense ({type(error).__name__})"
        raise errors.malformed(endpoint.name, what, data, endpoint.secret) from None


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None  # pyright: ignore[reportUnknownVariableType] - JSON
