"""One request and its answer, whole or streamed, parsed but not yet understood."""

from collections.abc import Callable
from typing import Any, Protocol

import httpx

from .. import wire
from ..base import ModelRequest
from ..errors import body as error_body
from ..errors import errors
from .http import SILENCE, Endpoint
from .sse import ErrorEvent, Events, is_stream

NONSENSE = (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError, RecursionError)
"""What reading an answer raises when it is not what the interface promises."""

Answer = tuple[dict[str, Any], httpx.Headers]
"""An answer, parsed, and its headers."""

_MOST_WHOLE = 32 * 2**20  # bytes of an answer in one piece
_MOST_EVENT = 4 * 2**20  # bytes of one event
_MOST = 256 * 2**20  # bytes of a stream; each token comes in a few hundred
_DONE = (b"[DONE]", b'"[DONE]"', b"[done]")
_LAST = 400  # bytes in which the last line of a stream fits
_NOTHING = (b"ping", b"keep-alive", b"keepalive", b"heartbeat")  # what some servers send to keep a line open


class Gathered(Protocol):
    """A streamed answer being put together as the whole one would be.

    ``finish`` is why it ended, empty before; ``ended`` whether the interface's last event has come;
    ``characters`` how much the model has written so far.
    """

    text: str
    finish: str
    ended: bool
    characters: int

    def add(self, event: dict[str, Any]) -> None: ...

    def whole(self) -> dict[str, Any]: ...


async def ask(
    endpoint: Endpoint,
    body: bytes,
    request: ModelRequest,
    gathered: Gathered,
    on_text: Callable[[str], None] | None = None,
) -> Answer:
    """Send a request and return the answer; a stream that ends early is an error.

    Raises:
        ModelError: The answer is missing or incomplete.
    """
    received = Body(endpoint.name, endpoint.secret, gathered, on_text if request.stream else None)
    silence = min(request.timeout, SILENCE) if request.stream else request.timeout
    try:
        headers = await endpoint.send(body, request.timeout, silence, received.take, received.is_whole)
        return received.answer(), headers
    finally:
        request.consumed.answered = received.begun


class Body:
    """The body of a successful answer, taken in as it arrives.

    Its first bytes tell whether it is a stream of events, since servers name the wrong
    type, or do not heed whether a stream was asked for.
    """

    def __init__(
        self,
        name: str,
        secret: str,
        gathered: Gathered,
        on_text: Callable[[str], None] | None = None,
    ) -> None:
        """Nothing received yet.

        Args:
            name: What errors call the model.
            secret: What they must not show.
            gathered: Where events go; ``begun`` says whether one has gone there.
            on_text: Called with the whole text so far as it grows.
        """
        self._name = name
        self._secret = secret
        self._gathered = gathered
        self._on_text = on_text
        self._events = Events()
        self._streamed: bool | None = None
        self._head: list[bytes] = []
        self._size = 0
        self._done = False
        self._went_on = False
        self.begun = False

    def take(self, data: bytes) -> bool:
        """Take in bytes; True once the answer is whole, whatever may follow.

        Raises:
            ModelError: They hold an error, or cannot be read.
        """
        self._size += len(data)
        held = len(self._events.held)
        if held > _MOST_EVENT or self._size > (_MOST if self._streamed else _MOST_WHOLE):
            raise errors.malformed(self._name, f"the answer is longer than can be read ({self._size} bytes)")
        if not self._streamed:
            self._head.append(data)
            if self._streamed is None:
                self._streamed = is_stream(b"".join(self._head))
            if not self._streamed:
                return False
            data = b"".join(self._head)
            self._head.clear()
        before = len(self._gathered.text)
        for event in self._events.feed(data):
            self._take_event(event)
        if len(self._gathered.text) > before:
            self._tell()
        return self._done or self._ends_without_blank_line()

    def is_whole(self) -> bool:
        """Whether the answer's end was received, so that it counts although its connection broke right after.

        Where an answer went on after that, the server tells an end in every event.
        """
        told = bool(self._gathered.finish) and not self._went_on
        return told and not self._events.held.strip()

    def answer(self) -> dict[str, Any]:
        """The answer, once its body has ended.

        Raises:
            ModelError: The answer is missing or incomplete.
        """
        if self._streamed is None:  # nothing, or a few bytes of an event
            raise errors.cut_off(self._name)
        if not self._streamed:
            return self._plain(b"".join(self._head))
        if not self._done:
            self._take_rest(self._events.rest())
        if not self._done and not self._gathered.finish:
            raise errors.cut_off(self._name)
        return self._gathered.whole()

    def _plain(self, data: bytes) -> dict[str, Any]:
        answer = _value(data)
        self._raise_if_error(answer)
        if not error_body.is_object(answer):
            raise errors.malformed(self._name, "the answer is not a JSON object", data, self._secret)
        return answer

    def _ends_without_blank_line(self) -> bool:
        """Whether the last line has come, after which some servers hold the connection."""
        line = self._events.held[-_LAST:].rstrip().rpartition(b"\n")[2]
        data = line.removeprefix(b"data:").strip()
        return line != data and (data in _DONE or (b'"message_stop"' in data and _is_whole(data)))

    def _take_rest(self, data: bytes) -> None:
        """The last event counts without its blank line if it is whole, since the body ended in good order."""
        if _is_whole(data) or isinstance(data, ErrorEvent):
            return self._take_event(data)
        # Where one line end ends an event, all that came is here.
        lines = data.split(b"\n")
        if len(lines) > 1 and _is_whole(lines[0]):
            last = lines.pop()
            for line in [*lines, last] if _is_whole(last) else lines:
                self._take_event(line)
        return None

    def _take_event(self, data: bytes) -> None:
        named = isinstance(data, ErrorEvent)
        data = data.strip()
        if self._done or data in _NOTHING:
            return
        if data in _DONE:
            self._done = True
            return
        value = _value(data)
        if named:
            self._raise_if_error(data.decode(errors="replace") if value is None else value, named=True)
        if value is None and b"\n" in data:
            for line in data.split(b"\n"):  # events that were ended by one line end
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
        ended, before = bool(self._gathered.finish), self._gathered.characters
        try:
            self._gathered.add(event)
        except NONSENSE as error:
            what = f"an event of the stream makes no sense ({type(error).__name__})"
            raise errors.malformed(self._name, what, data, self._secret) from None
        self._went_on = self._went_on or (ended and self._gathered.characters > before)
        self.begun = True
        self._done = self._gathered.ended

    def _raise_if_error(self, value: Any, *, named: bool = False) -> None:
        """Raise the error that a value says it is, or the errors in a list, as Google sends them.

        Args:
            value: Parsed JSON, or text.
            named: Whether the event that held it is named an error, whatever it says.
        """
        for each in value if error_body.is_list(value) else (value,):
            problem = error_body.problem_in(each) if error_body.is_object(each) else None
            if problem is not None or (named and each):
                raise errors.from_problem(self._name, problem or each, self._secret)

    def _tell(self) -> None:
        if self._on_text is not None:
            self._on_text(wire.settled(self._gathered.text))


def _is_whole(data: bytes) -> bool:
    return data.strip() in _DONE or isinstance(_value(data), dict | list)


def _value(data: bytes) -> Any:
    try:
        return wire.parsed(data)
    except (ValueError, RecursionError):
        return None
