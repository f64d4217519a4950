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
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from holdfast_activities.tracing import Work
from holdfast_workers.settings import Settings
from holdfast_workers.tracing.exporting import Exporting
from holdfast_workers.tracing.opening import recording
from holdfast_workers.tracing.recorder import SpanRecorder
from holdfast_workers.tracing.records import Record
from holdfast_workers.tracing.spool import Spool

from .receiver import Receiver, receiver

# Ends one span, drops another, has one that is not ended, and one whose end goes to a second file. The one that
# ends is made by the SDK, as instrumented libraries do.
_PROGRAM = """
import sys, time
from pathlib import Path
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from holdfast_workers.tracing.exporting import Exporting, OfLibraries
from holdfast_workers.tracing.recorder import SpanRecorder
from holdfast_workers.tracing.spool import Spool

class Away(SpanExporter):
    def export(self, spans):
        return SpanExportResult.FAILURE

home = Path(sys.argv[1])
resource = Resource({"service.name": "killed"})
spool = Spool.make(home, resource)
exporting = Exporting(Away(), home, resource, spool, "nowhere")
provider = TracerProvider(resource=resource, shutdown_on_exit=False)
provider.add_span_processor(OfLibraries(exporting))
recorder = SpanRecorder(exporting, ALWAYS_ON, content=False)
with provider.get_tracer("test").start_as_current_span("ended", attributes={"names": ["a", "b"]}) as parent:
    parent.set_attribute("n", 1)
    parent.add_event("noted", {"why": "x"})
    recorder.begin("dropped", "internal", {}).drop()
    second = recorder.begin("in two files", "internal", {"a": 1})
    begun = recorder.begin("not ended", "internal", {})
spool.take()
second.set({"b": 2})
second.end("tool_failed", "It broke.")
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
    return Exporting(exporter, home, resource, Spool.make(home, resource), collector.url)


def ended(exporting: Exporting, name: str) -> None:
    """Make a span, with nothing above it."""
    SpanRecorder(exporting, ALWAYS_ON, content=False).turn(Work(name, 1), name, {}, (1.0, 2.0), "")


async def test_the_next_process_exports_the_spans_of_a_killed_one(
    tmp_path: Path, collector: Receiver
) -> None:
    process = await create_subprocess_exec(sys.executable, "-c", _PROGRAM, str(tmp_path), stdout=PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    looking(tmp_path, collector).close()
    assert collector.spans == []  # its owner lives
    process.send_signal(signal.SIGKILL)
    await process.wait()

    following = looking(tmp_path, collector)
    await collector.has("not ended")
    following.close()
    by_name = {each.name: each for each in collector.spans}
    assert sorted(by_name) == ["ended", "in two files", "not ended"]
    assert len(collector.sent) == 3
    ended, lost = by_name["ended"], by_name["not ended"]
    assert (ended.error, ended.attributes) == ("", {"n": 1, "names": ["a", "b"]})
    assert (lost.error, lost.attributes["error.type"]) == ("its worker was killed", "worker_lost")
    assert lost.start <= lost.end
    failed = by_name["in two files"]
    assert (failed.error, failed.attributes) == ("It broke.", {"a": 1, "b": 2, "error.type": "tool_failed"})
    assert (failed.parent, lost.parent) == (ended.id, failed.id)
    assert {each.resource["service.name"] for each in collector.spans} == {"killed"}
    assert list(tmp_path.iterdir()) == []


async def test_a_line_that_cannot_be_read_loses_no_other(tmp_path: Path, collector: Receiver) -> None:
    spool = Spool.make(tmp_path, Resource({}))
    for digit, name in {"a": "whole", "-": "malformed", "c": "cut off"}.items():
        record: Record = {"id": [digit * 32, digit * 16, 1], "parent": None, "name": name, "kind": 0}
        whole: Record = {**record, "attributes": {}, "start": 1, "end": 2}
        spool.end(whole, whole)
    [file] = spool.folder.glob("*.jsonl")
    os.truncate(file, file.stat().st_size - 5)
    os.close(spool._lock)  # as the end of its process does

    following = looking(tmp_path, collector)
    await collector.has("whole")
    following.close()
    assert [each.name for each in collector.sent] == ["whole"]


async def test_what_could_not_be_exported_is_left_for_the_next_process(
    tmp_path: Path, collector: Receiver
) -> None:
    collector.refusing = True
    first = looking(tmp_path, collector)
    ended(first, "kept")
    first.close()
    assert collector.refused
    collector.refusing = False

    following = looking(tmp_path, collector)
    await collector.has("kept")
    following.close()
    assert list(tmp_path.iterdir()) == []


async def test_without_a_place_for_the_spool_spans_are_sent_from_memory(
    tmp_path: Path, collector: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    (tmp_path / "spans").touch()  # a file where the folder has to be
    with recording(Settings(tracing="true", home=tmp_path), "shop") as recorder:
        assert recorder is not None
        recorder.turn(Work("session", 1), "kept", {}, (1.0, 2.0), "")
    assert [each.name for each in collector.sent] == ["kept"]
    assert "the spans of a killed worker will be lost" in caplog.text
