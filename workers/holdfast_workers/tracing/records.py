"""Spans as JSON data: as the recorder makes them and the spool keeps them, and as the exporter wants them."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any, Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from holdfast_workflows.contracts.text.redaction import redact, redact_value

LOST: Final = "worker_lost"
"""The class of error of a span whose worker was killed before its end."""

Record = dict[str, Any]
"""A span. ``id`` and ``parent`` are trace, span and flags; ``start`` and ``end`` are nanoseconds since 1970."""

_encoder: Final = json.JSONEncoder(separators=(",", ":"), default=repr)
_OWN: Final = InstrumentationScope("holdfast", version("holdfast"))


def of(span: ReadableSpan) -> Record:
    """Return a span of the SDK, without secrets: one that an instrumented library has made."""
    context, parent = span.context, span.parent
    assert context is not None
    found: Record = {
        "id": key(context),
        "parent": key(parent) if parent else None,
        "name": span.name,
        "kind": span.kind.value,
        "attributes": redact_value(dict(span.attributes or {})),
        "start": span.start_time,
        "end": span.end_time,
    }
    if span.status.status_code is not StatusCode.UNSET:
        found["status"] = [span.status.status_code.value, redact(span.status.description or "") or None]
    if span.events:
        found["events"] = [[e.name, redact_value(dict(e.attributes or {})), e.timestamp] for e in span.events]
    if span.links:
        found["links"] = [[key(each.context), dict(each.attributes or {})] for each in span.links]
    if span.instrumentation_scope is not None:
        found["scope"] = [span.instrumentation_scope.name, span.instrumentation_scope.version]
    return found


def lost(record: Record, died: int) -> Record:
    """Return a span that had not ended when its worker was killed: it ends when that was last heard of."""
    attributes = {**record["attributes"], "error.type": LOST}
    status = [StatusCode.ERROR.value, "its worker was killed"]
    return {**record, "attributes": attributes, "status": status, "end": max(died, record["start"])}


def exported(record: Record, resource: Resource) -> ReadableSpan:
    """Return a span as the exporter wants it."""
    code, text = record.get("status", (StatusCode.UNSET.value, None))
    scope = record.get("scope")
    return ReadableSpan(
        name=record["name"],
        context=_context(record["id"]),
        parent=_context(record["parent"]) if record["parent"] else None,
        resource=resource,
        attributes=record["attributes"],
        events=[Event(name, more, at) for name, more, at in record.get("events", ())],
        links=[Link(_context(context), more) for context, more in record.get("links", ())],
        kind=SpanKind(record["kind"]),
        status=Status(StatusCode(code), text),
        start_time=record["start"],
        end_time=record["end"],
        instrumentation_scope=InstrumentationScope(*scope) if scope else _OWN,
    )


def line(data: dict[str, Any]) -> bytes:
    """Return JSON data as a line."""
    return _encoder.encode(data).encode() + b"\n"


def key(context: SpanContext) -> list[Any]:
    """Return a span's trace, id and flags."""
    return [f"{context.trace_id:032x}", f"{context.span_id:016x}", int(context.trace_flags)]


def _context(found: list[Any]) -> SpanContext:
    trace, span, flags = found
    return SpanContext(int(trace, 16), int(span, 16), is_remote=False, trace_flags=TraceFlags(flags))
