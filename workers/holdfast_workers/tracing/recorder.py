"""Makes the spans of a worker.

They are plain records, which cost a fraction of the SDK's spans. OpenTelemetry's context has their ids, so the spans
of instrumented libraries are within them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Final

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState

from holdfast_activities.tracing import Work
from holdfast_activities.tracing.recorder import SpanKind as Kind
from holdfast_activities.tracing.recorder import Value
from holdfast_workflows.contracts.session.trace_ids import Parent, linked, parent_of, trace_of, turn_span

from . import records
from .exporting import Exporting
from .records import Record

_KINDS: Final = {"internal": SpanKind.INTERNAL.value, "client": SpanKind.CLIENT.value}
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_ERROR: Final = StatusCode.ERROR.value


class OpenSpan:
    """A span that has begun, the present one until it ends."""

    def __init__(self, exporting: Exporting, record: Record, state: TraceState) -> None:
        self._exporting = exporting
        self._record = record
        self._added: dict[str, Value] = {}
        trace_id, span_id, flags = record["id"]
        context = SpanContext(
            int(trace_id, 16), int(span_id, 16), False, trace_flags=TraceFlags(flags), trace_state=state
        )
        self._before = contexts.attach(trace.set_span_in_context(NonRecordingSpan(context)))
        if flags:
            exporting.begin(record)

    def set(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes."""
        self._added.update(attributes)

    def end(self, error: str = "", text: str = "") -> None:
        """End it, with the class of an error and its text if it failed."""
        contexts.detach(self._before)
        changed: Record = {"end": time.time_ns()}
        if error:
            self._added["error.type"] = error
            changed["status"] = [_ERROR, text or None]
        if self._added:
            changed["attributes"] = self._added
        if self._record["id"][2]:
            attributes = {**self._record["attributes"], **self._added}
            self._exporting.end({**self._record, **changed, "attributes": attributes}, changed)

    def drop(self) -> None:
        """End it without exporting it."""
        contexts.detach(self._before)
        if self._record["id"][2]:
            self._exporting.drop(self._record)


class SpanRecorder:
    """Makes the spans of a worker."""

    def __init__(self, exporting: Exporting, sampler: Sampler, *, content: bool) -> None:
        self._exporting = exporting
        self._sampler = sampler
        self.content = content

    def enter(self, work: Work) -> None:
        """Make the turn's span the parent of what the present task does; it ends, and is made, later."""
        parent = parent_of(work.header.parent)
        turn = max(work.turn, 1)  # what precedes the first turn belongs to it
        id = trace_of(work.session, turn, parent)
        flags = _SAMPLED if work.header.debug or self._is_sampled(id, parent) else TraceFlags.get_default()
        span = int(turn_span(work.session, turn), 16)
        state = TraceState.from_header([parent.state]) if parent and parent.state else None
        context = SpanContext(int(id, 16), span, is_remote=True, trace_flags=flags, trace_state=state)
        contexts.attach(trace.set_span_in_context(NonRecordingSpan(context), contexts.Context()))

    def begin(
        self, name: str, kind: Kind, attributes: Mapping[str, Value], *, id: str = "", at: float = 0.0
    ) -> OpenSpan:
        """Begin a span within the present one, and make it the present one until it ends."""
        present = trace.get_current_span().get_span_context()
        above = records.key(present)
        record = {
            "id": [above[0], id or f"{random.getrandbits(64):016x}", above[2]],
            "parent": above,
            "name": name,
            "kind": _KINDS[kind],
            "attributes": attributes,
            "start": int(at * 1e9) or time.time_ns(),
            "end": None,
        }
        return OpenSpan(self._exporting, record, present.trace_state)

    def turn(
        self, work: Work, name: str, attributes: Mapping[str, Value], times: tuple[float, float], error: str
    ) -> None:
        """Record the whole span of a turn."""
        parent = parent_of(work.header.parent)
        id = trace_of(work.session, work.turn, parent)
        if not (work.header.debug or self._is_sampled(id, parent)):
            return
        began, ended = times
        record: Record = {
            "id": [id, turn_span(work.session, work.turn), 1],
            "parent": [id, parent.span, 1] if parent else None,
            "name": name,
            "kind": _KINDS["internal"],
            "attributes": {**attributes, "error.type": error} if error else attributes,
            "start": int(began * 1e9),
            "end": int(ended * 1e9),
        }
        if error:
            record["status"] = [_ERROR, None]
        if cause := linked(work.header.parent):
            record["links"] = [[[cause.trace, cause.span, int(cause.flags or "01", 16)], {}]]
        self._exporting.end(record, record)

    def headers(self) -> Mapping[str, str]:
        """Return the W3C headers of the present span."""
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        trace_id, span, flags = records.key(context)
        found = {"traceparent": f"00-{trace_id}-{span}-{flags & TraceFlags.SAMPLED:02x}"}
        if context.trace_state:
            found["tracestate"] = context.trace_state.to_header()
        return found

    def ids(self) -> Mapping[str, str]:
        """Return the present trace and span for log lines."""
        context = trace.get_current_span().get_span_context()
        return (
            dict(zip(("trace_id", "span_id"), records.key(context), strict=False)) if context.is_valid else {}
        )

    def _is_sampled(self, trace_id: str, parent: Parent | None) -> bool:
        if parent is not None and parent.flags:
            return bool(int(parent.flags, 16) & TraceFlags.SAMPLED)
        # By the trace's id, so every process decides the same.
        return self._sampler.should_sample(None, int(trace_id, 16), "").decision is Decision.RECORD_AND_SAMPLE
