"""Ids of traces and spans, derived from the session, so that every process and every retry finds the same ones."""

import hashlib
from collections.abc import Mapping
from typing import Final, NamedTuple, Self

from temporalio.api.common.v1 import Payload

from ..base import Contract

HEADER: Final = "holdfast-trace"
"""The header of requests, activities and child sessions that carries the parent of a turn's span."""

_JSON: Final = {"encoding": b"json/plain"}
_LINK: Final = "~"

LONGEST_STATE: Final = 512
"""Characters of a ``tracestate`` that are carried; a longer one is dropped."""


class Parent(NamedTuple):
    """The span above a turn's. ``flags`` and ``state`` are W3C's.

    ``flags`` are empty if the parent's process left the sampling to the trace id.
    """

    trace: str
    span: str
    flags: str = ""
    state: str = ""

    def encoded(self) -> str:
        """Return the parent as it is carried in headers."""
        return "-".join(filter(None, self))


class TraceHeader(Contract):
    """The content of the header.

    Attributes:
        parent: The encoded parent, or an encoded link; empty if the turn's span is the first of its trace.
        messages: For a run that continues another one: the parents of messages, by message id.
        began: When the child sessions of the call were started, if it had some.
        debug: Until when the session is in debug mode; 0 if it is not.
    """

    parent: str = ""
    messages: dict[str, str] = {}
    began: float = 0.0
    debug: float = 0.0

    def headers(self) -> dict[str, Payload]:
        """Return the header with this content. It is read without a codec, so it is JSON whatever the converter."""
        return {HEADER: Payload(metadata=_JSON, data=self.model_dump_json(exclude_defaults=True).encode())}

    @classmethod
    def read(cls, headers: Mapping[str, Payload]) -> Self | None:
        """Read the header; None if it is missing or malformed."""
        payload = headers.get(HEADER)
        if payload is None:
            return None
        try:
            return cls.model_validate_json(payload.data)
        except ValueError:
            return None


def parent_of(text: str) -> Parent | None:
    """Read an encoded parent; None if it is empty or malformed."""
    trace, span, flags, state = (*text.split("-", 3), "", "", "", "")[:4]
    if len(trace) != 32 or len(span) != 16 or len(flags) not in {0, 2} or not _is_hex(trace + span + flags):
        return None
    return Parent(trace, span, flags, state if _is_state(state) else "")


def link_to(parent: str) -> str:
    """Encode a link: the turn has a trace of its own, and its span names this one as its cause."""
    return _LINK + parent if parent else ""


def linked(text: str) -> Parent | None:
    """Read an encoded link; None if the text is a parent, empty or malformed."""
    return parent_of(text.removeprefix(_LINK)) if text.startswith(_LINK) else None


def parent_in(headers: Mapping[str, str]) -> Parent | None:
    """Read the W3C headers of an HTTP request, whose names are in lower case; None if they name no span."""
    version, _, rest = headers.get("traceparent", "").strip().partition("-")
    if len(version) != 2 or version == "ff" or not _is_hex(version):
        return None
    # A later version may have further fields.
    trace, span, flags = (*rest.split("-"), "", "")[:3]
    found = parent_of("-".join((trace, span, flags, headers.get("tracestate", "").strip())))
    if found is None or not found.flags or not found.trace.strip("0") or not found.span.strip("0"):
        return None
    return found


def trace_of(session: str, turn: int, parent: Parent | None) -> str:
    """Return the id of the trace that a turn belongs to."""
    return parent.trace if parent else _digest("trace", session, turn)[:32]


def turn_span(session: str, turn: int) -> str:
    """Return the id of a turn's span."""
    return _digest("turn", session, turn)[:16]


def call_span(key: str) -> str:
    """Return the id of the span of the call with this key that needed child sessions."""
    return _digest("call", key)[:16]


def _digest(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()


def _is_state(text: str) -> bool:
    return len(text) <= LONGEST_STATE and text.isascii() and text.isprintable()


def _is_hex(text: str) -> bool:
    return all(each in "0123456789abcdef" for each in text)
