"""Spans that a killed process has left."""

from __future__ import annotations

import os
import signal
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from holdfast_workers.tracing.exporting import Exporting
from holdfast_workers.tracing.spool import Spool

from .receiver import Receiver, receiver

# Ends one span, drops another, has one that is not ended, and one whose end goes to a second file.
_PROGRAM = """
import sys, time
from pathlib import Path
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from holdfast_workers.tracing.exporting import DROPPED, Exporting
from holdfast_workers.tracing.spool import Spool

class Away(SpanExporter):
    def export(self, spans):
        return SpanExportResult.FAILURE

home = Path(sys.argv[1])
resource = Resource({"service.name": "killed"})
spool = Spool.make(home, resource)
provider = TracerProvider(resource=resource, shutdown_on_exit=False)
provider.add_span_processor(Exporting(Away(), home, spool, "nowhere"))
tracer = provider.get_tracer("test")
with tracer.start_as_current_span("ended", attributes={"n": 1, "names": ["a", "b"]}) as parent:
    parent.add_event("noted", {"why": "x"})
    tracer.start_span("dropped", attributes={DROPPED: True}).end()
    second = tracer.start_span("in two files")
    begun = tracer.start_span("not ended")
spool.take()
second.end()
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def collector() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def looking(home: Path, collector: Receiver) -> Exporting:
    """Another process, as far as the spool can tell."""
    exporter = OTLPSpanExporter(f"{collector.url}/v1/traces")
    resource = Resource({"service.name": "next"})
    return Exporting(exporter, home, Spool.make(home, resource), collector.url)


async def test_the_next_process_exports_the_spans_of_a_killed_one(
    tmp_path: Path, collector: Receiver
) -> None:
    process = await create_subprocess_exec(sys.executable, "-c", _PROGRAM, str(tmp_path), stdout=PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    looking(tmp_path, collector).shutdown()
    assert collector.spans == []  # its owner lives
    process.send_signal(signal.SIGKILL)
    await process.wait()

    following = looking(tmp_path, collector)
    await collector.has("not ended")
    following.shutdown()
    by_name = {each.name: each for each in collector.spans}
    assert sorted(by_name) == ["ended", "in two files", "not ended"]
    assert len(collector.spans) == 3
    ended, lost = by_name["ended"], by_name["not ended"]
    assert (ended.error, ended.attributes, lost.parent) == ("", {"n": 1, "names": ["a", "b"]}, ended.id)
    assert (lost.error, lost.attributes["error.type"]) == ("its worker was killed", "worker_lost")
    assert lost.start <= lost.end
    assert by_name["in two files"].error == ""
    assert {each.resource["service.name"] for each in collector.spans} == {"killed"}
    assert list(tmp_path.iterdir()) == []


async def test_a_line_that_was_cut_off_loses_no_other(tmp_path: Path, collector: Receiver) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    spool = Spool.make(tmp_path, Resource({}))
    for name in ("whole", "cut off"):
        span = provider.get_tracer("test").start_span(name)
        span.end()
        spool.end(span)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - the SDK's own span
    [file] = spool.folder.glob("*.jsonl")
    os.truncate(file, file.stat().st_size - 5)
    os.close(spool._lock)  # as the end of its process does

    following = looking(tmp_path, collector)
    await collector.has("whole")
    following.shutdown()
    assert [each.name for each in collector.spans] == ["whole"]


async def test_what_could_not_be_exported_is_left_for_the_next_process(
    tmp_path: Path, collector: Receiver
) -> None:
    collector.refusing = True
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(looking(tmp_path, collector))
    provider.get_tracer("test").start_span("kept").end()
    provider.shutdown()
    assert collector.refused
    collector.refusing = False

    following = looking(tmp_path, collector)
    await collector.has("kept")
    following.shutdown()
    assert list(tmp_path.iterdir()) == []
