"""Spans of instrumented libraries."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import StatusCode

from holdfast_workers.tracing import records

from .test_turns import KEY


def test_spans_of_libraries_have_no_secrets() -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("http")
    span = tracer.start_span("GET", attributes={"url.full": f"https://shop.example/?key={KEY}"})
    span.record_exception(ValueError(f"refused: {KEY}"))
    span.set_status(StatusCode.ERROR, f"refused: {KEY}")
    span.end()
    assert isinstance(span, ReadableSpan)
    record = records.of(span)
    assert KEY not in repr(record)
    assert record["attributes"]["url.full"].startswith("https://shop.example/")
