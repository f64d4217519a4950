"""Makes spans with OpenTelemetry's SDK, with derived ids where other processes have to know them."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from holdfast_activities.tracing import Work
from holdfast_activities.tracing.recorder import SpanKind as Kind
from holdfast_activities.tracing.recorder import Value
from holdfast_workflows.contracts.session.trace_ids import Parent, parent_of, trace_of, turn_span

from .exporting import DROPPED

_KINDS: Final = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT}

_next: Final[ContextVar[tuple[int, int]]] = ContextVar("_next", default=(0, 0))
"""The trace and the span id of the next span; 0 for random ones."""


class Ids(RandomIdGenerator):
    """Random ids, unless the recorder has set the next ones."""

    def generate_span_id(self) -> int:
        """Return the id of the next span."""
        return _next.get()[1] or super().generate_span_id()

    def generate_trace_id(self) -> int:
        """Return the id of the trace of a span without a parent."""
        return _next.get()[0] or super().generate_trace_id()

    def is_trace_id_random(self) -> bool:
        """Whether a new trace id is random."""
        return not _next.get()[0]


class OpenSpan:
    """A span that has begun, the present one until it ends."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self._before = contexts.attach(trace.set_span_in_context(span))

    def set(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes."""
        self._span.set_attributes(attributes)

    def end(self, error: str = "", text: str = "", *, at: float = 0.0) -> None:
        """End it, with the class of an error and its text if it failed."""
        contexts.detach(self._before)
        _end(self._span, error, text, at)

    def drop(self) -> None:
        """End it without exporting it."""
        self._span.set_attribute(DROPPED, True)
        self.end()


class SpanRecorder:
    """Makes the spans of a worker."""

    def __init__(self, provider: TracerProvider, sampler: Sampler, *, content: bool) -> None:
        self._tracer = provider.get_tracer("holdfast")
        self._sampler = sampler
        self.content = content

    def enter(self, work: Work) -> None:
        """Make the turn's span the parent of what the present task does; it ends, and is made, later."""
        parent = parent_of(work.header.parent)
        turn = max(work.turn, 1)  # what precedes the first turn belongs to it
        id = trace_of(work.session, turn, parent)
        above = self._span_context(id, turn_span(work.session, turn), parent)
        contexts.attach(trace.set_span_in_context(NonRecordingSpan(above), contexts.Context()))

    def begin(
        self, name: str, kind: Kind, attributes: Mapping[str, Value], *, id: str = "", at: float = 0.0
    ) -> OpenSpan:
        """Begin a span within the present one, and make it the present one until it ends."""
        return OpenSpan(self._start(name, _KINDS[kind], attributes, None, (0, int(id or "0", 16)), at))

    def turn(
        self, work: Work, name: str, attributes: Mapping[str, Value], times: tuple[float, float], error: str
    ) -> None:
        """Record the whole span of a turn."""
        parent = parent_of(work.header.parent)
        id = trace_of(work.session, work.turn, parent)
        above = contexts.Context()
        if parent is not None:
            context = self._span_context(id, parent.span, parent)
            above = trace.set_span_in_context(NonRecordingSpan(context), above)
        ids = int(id, 16), int(turn_span(work.session, work.turn), 16)
        began, ended = times
        _end(self._start(name, SpanKind.INTERNAL, attributes, above, ids, began), error, "", ended)

    def headers(self) -> Mapping[str, str]:
        """Return the W3C header of the present span."""
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        flags = int(context.trace_flags) & TraceFlags.SAMPLED
        return {"traceparent": f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags:02x}"}

    def ids(self) -> Mapping[str, str]:
        """Return the present trace and span for log lines."""
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}

    def _start(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, Value],
        context: contexts.Context | None,
        ids: tuple[int, int],
        at: float,
    ) -> trace.Span:
        token = _next.set(ids)
        try:
            return self._tracer.start_span(
                name, context, kind, attributes, start_time=_nanoseconds(at) or None
            )
        finally:
            _next.reset(token)

    def _span_context(self, trace_id: str, span: str, parent: Parent | None) -> SpanContext:
        """The context of a span that is made elsewhere, with the decision whether its trace is sampled."""
        number = int(trace_id, 16)
        if parent is not None and parent.flags:
            sampled = bool(int(parent.flags, 16) & TraceFlags.SAMPLED)
        else:
            # By the trace's id, so every process decides the same.
            sampled = self._sampler.should_sample(None, number, "").decision is Decision.RECORD_AND_SAMPLE
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        return SpanContext(number, int(span, 16), is_remote=True, trace_flags=flags)


def _end(span: trace.Span, error: str, text: str, at: float) -> None:
    if error:
        span.set_attribute("error.type", error)
        span.set_status(Status(StatusCode.ERROR, text or None))
    span.end(_nanoseconds(at) or None)


def _nanoseconds(at: float) -> int:
    return int(at * 1e9) if at else 0
