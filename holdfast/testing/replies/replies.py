"""Replies of a scripted model, and simple faults."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Literal, TypedDict, Unpack

from .forms import FORMS, Form


@dataclass(frozen=True)
class Call:
    """A tool call. ``arguments`` as text is sent as it is, valid or not; an empty ``id`` is replaced."""

    name: str
    arguments: Mapping[str, Any] | str
    id: str = ""


class Options(TypedDict, total=False):
    """What ``Reply.but`` can change."""

    finish: str
    thinking: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    delay: float
    pace: float
    cut_at: int
    cut: Literal["close", "end"]
    error_event: bool
    headers: Mapping[str, str]
    fault: str
    form: Form


@dataclass(frozen=True)
class Reply:
    """One answer. Add replies to combine text and calls: ``say("Let me see.") + call("look", {})``.

    Attributes:
        text: The model's text.
        calls: Parallel tool calls.
        finish: The finish reason: ``stop``, ``tool_calls``, ``length``, ``content_filter`` or ``refusal``, in each
            wire's own word; any other word is sent as it is. Empty means ``tool_calls`` if there are calls, else
            ``stop``.
        thinking: A signed thinking block before the text in Anthropic form, ``reasoning_content`` in OpenAI form.
        input_tokens: Tokens reported as read; by default a quarter of the request's bytes.
        output_tokens: Tokens reported as written; by default a quarter of the characters.
        cached_tokens: The part of ``input_tokens`` reported as read from a cache.
        delay: Seconds before the answer begins.
        pace: Seconds between the chunks of a stream.
        cut_at: Bytes of the body after which the answer stops.
        cut: Whether the connection then closes, or the body ends as if it were whole.
        error_event: A stream ends in an error event in place of its end.
        status: The HTTP status; from 400 on, ``code`` and ``message`` fill the wire's error body.
        code: The provider's code of the error.
        message: The provider's words for the error.
        headers: Headers to add.
        raw: A body to send as it is, whatever the wire.
        content_type: The type of ``raw``.
        fault: The value of ``Seen.fault`` for the request.
        form: One of ``FORMS``, in which the reply is sent; ``pace`` has no effect then.
        gone: No answer at all: ``hang`` keeps the connection open, ``reset`` breaks it.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = ""
    thinking: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int = 0
    delay: float = 0.0
    pace: float = 0.0
    cut_at: int | None = None
    cut: Literal["close", "end"] = "close"
    error_event: bool = False
    status: int = 200
    code: str = ""
    message: str = ""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    raw: bytes | None = None
    content_type: str = "application/json"
    fault: str = ""
    form: Form | Literal[""] = ""
    gone: Literal["", "hang", "reset"] = ""

    def __add__(self, other: Reply) -> Reply:
        return dataclasses.replace(self, text=self.text + other.text, calls=self.calls + other.calls)

    def but(self, **changes: Unpack[Options]) -> Reply:
        """The same reply with other options.

        Raises:
            ValueError: ``FORMS`` does not contain the form.
        """
        form = changes.get("form")
        if form is not None and form not in FORMS:
            raise ValueError(f"{form!r} is not a form. Use one of: {', '.join(FORMS)}")
        return dataclasses.replace(self, **changes)


def say(text: str, **options: Unpack[Options]) -> Reply:
    """A reply with text."""
    return Reply(text=text).but(**options)


def call(name: str, arguments: Mapping[str, Any] | str = "{}", *, id: str = "") -> Reply:
    """A reply with a tool call; add several for parallel calls."""
    return Reply(calls=(Call(name, arguments, id),))


def failed(status: int = 500, message: str = "It did not work.", *, code: str = "") -> Reply:
    """An HTTP error in the wire's own form."""
    return Reply(status=status, message=message, code=code)


def rate_limited(after: float | datetime | None = None, *, ms: int | None = None) -> Reply:
    """Status 429. ``after`` becomes Retry-After, in seconds or as an HTTP date; ``ms`` becomes retry-after-ms."""
    headers: dict[str, str] = {}
    if isinstance(after, datetime):
        headers["retry-after"] = format_datetime(after, usegmt=True)
    elif after is not None:
        headers["retry-after"] = f"{after:g}"
    if ms is not None:
        headers["retry-after-ms"] = str(ms)
    return Reply(status=429, code="rate_limit_exceeded", message="Slow down.", headers=headers)


def overloaded() -> Reply:
    """Status 529."""
    return failed(529, "Overloaded", code="overloaded_error")


def unauthorized() -> Reply:
    """Status 401."""
    return failed(401, "The key is not valid.", code="invalid_api_key")


def context_too_long() -> Reply:
    """Status 400: the prompt does not fit the context window."""
    return Reply(status=400, code="context_length_exceeded", message="prompt is too long: it does not fit")


def hang() -> Reply:
    """No answer for as long as the client waits."""
    return Reply(gone="hang")


def reset() -> Reply:
    """The connection breaks before the answer."""
    return Reply(gone="reset")


def html() -> Reply:
    """Status 200 and a web page, as a captive proxy answers."""
    return Reply(raw=b"<!doctype html><html><body>Sign in</body></html>", content_type="text/html")


def garbage() -> Reply:
    """Status 200 and a body that claims to be JSON and is not."""
    return Reply(raw=b'{"choices": [{"message": ')


def empty() -> Reply:
    """Status 200 and no body."""
    return Reply(raw=b"")
