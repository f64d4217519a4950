"""One request and its answer, whole or streamed: parsed, not yet read."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import httpx

from .. import wire
from ..base import ModelRequest
from ..errors import body as error_body
from ..errors import errors
from .http import STREAM_TIMEOUT, Endpoint
from .sse import ErrorEvent, Events, is_stream

UNREADABLE = (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError, RecursionError)
"""The exceptions of reading an answer that does not have the interface's shape."""

_MAX_WHOLE = 32 * 2**20  # bytes of an answer in one piece
_MAX_EVENT = 4 * 2**20  # bytes of one event
_MAX_STREAM = 256 * 2**20  # bytes of a stream; each token comes in a few hundred
_DONE = (b"[DONE]", b'"[DONE]"', b"[done]")
_LAST = 400  # bytes in which the last line of a stream fits
_KEEP_ALIVE = (b"ping", b"keep-alive", b"keepalive", b"heartbeat")


class Accumulator(ABC):
    """Joins the events of a streamed answer into the whole answer.

    ``finish`` is the finish reason, empty before the end. ``ended`` is whether the interface's
    last event has come. ``characters`` counts what the model has written so far.
    """

    def __init__(self) -> None:
        """No event yet."""
        self.text: str = ""
        self.finish = ""
        self.ended = False
        self.characters = 0
        self._usage: dict[str, Any] = {}

    @abstractmethod
    def add(self, event: dict[str, Any]) -> None:
        """Add one event."""

    @abstractmethod
    def whole(self) -> dict[str, Any]:
        """The answer as it would have come in one piece."""


async def exchange(
    endpoint: Endpoint,
    body: bytes,
    request: ModelRequest,
    accumulator: Accumulator,
    on_text: Callable[[str], None] | None = None,
) -> tuple[dict[str, Any], httpx.Headers]:
    """Send a request and return the parsed answer and its headers.

    Raises:
        ModelError: The answer is missing or incomplete.
    """
    received = Body(endpoint.name, endpoint.secret, accumulator, on_text if request.stream else None)
    pause = min(request.timeout, STREAM_TIMEOUT) if request.stream else request.timeout
    try:
        headers = await endpoint.send(body, request.timeout, pause, received.take, received.is_whole)
        return received.answer(), headers
    finally:
        request.consumed.answered = received.begun


class Body:
    """The body of a successful answer, read as it arrives.

    Its first bytes show whether it is a stream of events, since servers send a wrong content
    type or ignore whether a stream was requested.
    """

    def __init__(
        self,
        name: str,
        secret: str,
        accumulator: Accumulator,
        on_text: Callable[[str], None] | None = None,
    ) -> None:
        """An empty body; ``name`` and ``secret`` are what errors show and hide.

        ``begun`` is whether an event has reached the accumulator. ``on_text`` gets the whole
        text so far as it grows.
        """
        self._name = name
        self._secret = secret
        self._accumulator = accumulator
        self._on_text = on_text
        self._events = Events()
        self._streamed: bool | None = None
        self._head: list[bytes] = []
        self._size = 0
        self._done = False
        self._went_on = False
        self.begun = False

    def take(self, data: bytes) -> bool:
        """Read bytes; True once the answer is whole, whatever may follow.

        Raises:
            ModelError: The bytes contain an error or cannot be read.
        """
        self._size += len(data)
        too_large = self._size > (_MAX_STREAM if self._streamed else _MAX_WHOLE)
        if too_large or len(self._events.pending) > _MAX_EVENT:
            raise errors.malformed(self._name, f"the answer is longer than can be read ({self._size} bytes)")
        if not self._streamed:
            self._head.append(data)
            if self._streamed is None:
                self._streamed = is_stream(b"".join(self._head))
            if not self._streamed:
                return False
            data = b"".join(self._head)
            self._head.clear()
        before = len(self._accumulator.text)
        for event in self._events.feed(data):
            self._take_event(event)
        if self._on_text is not None and len(self._accumulator.text) > before:
            self._on_text(wire.settled(self._accumulator.text))
        return self._done or self._ends_without_blank_line()

    def is_whole(self) -> bool:
        """Whether the answer reported its end, so that it counts although the connection broke right after.

        If the answer went on after its end, the server reports an end in every event.
        """
        return bool(self._accumulator.finish) and not self._went_on and not self._events.pending.strip()

    def answer(self) -> dict[str, Any]:
        """The answer, after the body has ended.

        Raises:
            ModelError: The answer is missing or incomplete.
        """
        if self._streamed is None:  # nothing, or a few bytes of an event
            raise errors.cut_off(self._name)
        if not self._streamed:
            return self._plain(b"".join(self._head))
        if not self._done:
            self._take_rest(self._events.rest())
        if not self._done and not self._accumulator.finish:
            raise errors.cut_off(self._name)
        return self._accumulator.whole()

    def _plain(self, data: bytes) -> dict[str, Any]:
        answer = _value(data)
        self._raise_if_error(answer)
        if not error_body.is_object(answer):
            raise errors.malformed(self._name, "the answer is not a JSON object", data, self._secret)
        return answer

    def _ends_without_blank_line(self) -> bool:
        """Whether the last line has come; some servers keep the connection open after it."""
        line = self._events.pending[-_LAST:].rstrip().rpartition(b"\n")[2]
        data = line.removeprefix(b"data:").strip()
        return line != data and (data in _DONE or (b'"message_stop"' in data and _is_whole(data)))

    def _take_rest(self, data: bytes) -> None:
        """Read the last event, which may lack its blank line, since the body ended properly."""
        if _is_whole(data) or isinstance(data, ErrorEvent):
            self._take_event(data)
            return
        # If the server ends events with one line end, all events are here.
        lines = data.split(b"\n")
        if len(lines) > 1 and _is_whole(lines[0]):
            last = lines.pop()
            for line in [*lines, last] if _is_whole(last) else lines:
                self._take_event(line)

    def _take_event(self, data: bytes) -> None:
        named = isinstance(data, ErrorEvent)
        data = data.strip()
        if self._done or data in _KEEP_ALIVE:
            return
        if data in _DONE:
            self._done = True
            return
        value = _value(data)
        if named:
            self._raise_if_error(data.decode(errors="replace") if value is None else value, named=True)
        if value is None and b"\n" in data:
            for line in data.split(b"\n"):  # the server ends events with one line end
                self._take_event(line)
        elif error_body.is_object(value):
            self._add(value, data)
        elif error_body.is_list(value):
            self._raise_if_error(value)
        elif value is None and data.lstrip(b"[ ").lower().startswith(b"error"):
            self._raise_if_error(data.decode(errors="replace"), named=True)
        elif value is None and data != b"null":
            what = "an event of the stream is not a JSON object"
            raise errors.malformed(self._name, what, data, self._secret)

    def _add(self, event: dict[str, Any], data: bytes) -> None:
        self._raise_if_error(event)
        ended, before = bool(self._accumulator.finish), self._accumulator.characters
        try:
            self._accumulator.add(event)
        except UNREADABLE as error:
            what = f"an event of the stream has an unknown shape ({type(error).__name__})"
            raise errors.malformed(self._name, what, data, self._secret) from None
        self._went_on = self._went_on or (ended and self._accumulator.characters > before)
        self.begun = True
        self._done = self._accumulator.ended

    def _raise_if_error(self, value: Any, *, named: bool = False) -> None:
        """Raise the error that a value (JSON or text) contains, or one in a list, as Google sends it.

        ``named`` is whether the event's name or field says that it is an error.
        """
        for each in value if error_body.is_list(value) else (value,):
            problem = error_body.problem_in(each) if error_body.is_object(each) else None
            if problem is not None or (named and each):
                raise errors.from_problem(self._name, problem or each, self._secret)


def _is_whole(data: bytes) -> bool:
    return data.strip() in _DONE or isinstance(_value(data), dict | list)


def _value(data: bytes) -> Any:
    try:
        return wire.parsed(data)
    except (ValueError, RecursionError):
        return None
