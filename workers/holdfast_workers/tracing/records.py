"""Spans as JSON in the spool's files, and back."""

from __future__ import annotations

import json
from typing import Any, Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

LOST: Final = "worker_lost"
"""The class of error of a span whose worker was killed before its end."""


def encode(span: ReadableSpan) -> dict[str, Any]:
    """Return a span as JSON data."""
    context, parent = span.context, span.parent
    assert context is not None
    found: dict[str, Any] = {
        "id": _context(context),
        "parent": _context(parent) if parent else None,
        "name": span.name,
        "kind": span.kind.value,
        "attributes": dict(span.attributes or {}),
        "start": span.start_time,
        "end": span.end_time,
    }
    if span.status.status_code is not StatusCode.UNSET:
        found["status"] = [span.status.status_code.value, span.status.description]
    if span.events:
        found["events"] = [[e.name, dict(e.attributes or {}), e.timestamp] for e in span.events]
    if span.links:
        found["links"] = [[_context(each.context), dict(each.attributes or {})] for each in span.links]
    if span.instrumentation_scope is not None:
        found["scope"] = [span.instrumentation_scope.name, span.instrumentation_scope.version]
    return found


def decode(found: dict[str, Any], resource: Resource, died: int) -> ReadableSpan:
    """Return a span of a killed worker. One that had not ended ends when the worker was last heard of: ``died``."""
    attributes: dict[str, Any] = dict(found["attributes"])
    code, text = found.get("status", (StatusCode.UNSET.value, None))
    end = found["end"]
    if end is None:
        attributes["error.type"] = LOST
        end, code, text = max(died, found["start"]), StatusCode.ERROR.value, "its worker was killed"
    scope = found.get("scope")
    return ReadableSpan(
        name=found["name"],
        context=_read(found["id"]),
        parent=_read(found["parent"], remote=True) if found["parent"] else None,
        resource=resource,
        attributes=attributes,
        events=[Event(name, more, at) for name, more, at in found.get("events", ())],
        links=[Link(_read(context), more) for context, more in found.get("links", ())],
        kind=SpanKind(found["kind"]),
        status=Status(StatusCode(code), text),
        start_time=found["start"],
        end_time=end,
        instrumentation_scope=InstrumentationScope(scope[0], scope[1]) if scope else None,
    )


def line(found: dict[str, Any]) -> bytes:
    """Return JSON data as a line."""
    return json.dumps(found, separators=(",", ":"), default=repr).encode() + b"\n"


def _context(context: SpanContext) -> list[Any]:
    return [f"{context.trace_id:032x}", f"{context.span_id:016x}", int(context.trace_flags)]


def _read(found: list[Any], *, remote: bool = False) -> SpanContext:
    trace, span, flags = found
    return SpanContext(int(trace, 16), int(span, 16), is_remote=remote, trace_flags=TraceFlags(flags))
