"""Open the recorder of a worker from its settings."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from holdfast_workflows.contracts.errors import SettingsInvalid, WorkerMissing

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from holdfast_activities.tracing import Recorder
    from holdfast_workers.settings import Settings

    from .spool import Spool

_FOLDER: Final = "spans"
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_log = logging.getLogger(__name__)


@contextmanager
def recording(settings: Settings, app: str, *, shared: bool = False) -> Generator[Recorder | None]:
    """The recorder of a worker; None unless HOLDFAST_TRACING is on. ``shared``: also for instrumented libraries.

    Raises:
        WorkerMissing: OpenTelemetry is not installed.
        SettingsInvalid: OTEL_EXPORTER_OTLP_PROTOCOL is not http/protobuf.
    """
    if not settings.traces():
        yield None
        return
    if not _installed():
        raise WorkerMissing('HOLDFAST_TRACING needs `pip install "holdfast[tracing]"`')
    _check_protocol()
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    from .exporting import Exporting, OfLibraries
    from .recorder import SpanRecorder

    # Its own lines would come once a second while the collector is away.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
    resource, home = _resource(app), settings.home.absolute() / _FOLDER
    sampler = TraceIdRatioBased(settings.tracing_sample)
    where = next(filter(None, map(os.environ.get, _ENDPOINTS)), "http://localhost:4318")
    exporting = Exporting(OTLPSpanExporter(), home, resource, _spool(home, resource), where)
    if shared and isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        provider = TracerProvider(ParentBased(sampler), resource, shutdown_on_exit=False)
        provider.add_span_processor(OfLibraries(exporting))
        trace.set_tracer_provider(provider)
    _log.info("spans go to %s", where)
    try:
        yield SpanRecorder(exporting, sampler, content=settings.traces_content())
    finally:
        exporting.close()


def _installed() -> bool:
    if find_spec("opentelemetry") is None:
        return False
    return all(find_spec(f"opentelemetry.{name}") for name in ("sdk", "exporter"))


def _resource(app: str) -> Resource:
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    own: dict[str, str | int] = {
        "service.name": app or "holdfast",
        "service.version": version("holdfast"),
        "service.instance.id": f"{os.getpid()}@{os.uname().nodename}" if hasattr(os, "uname") else "",
        "process.pid": os.getpid(),
    }
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES count before ours.
    return Resource.create(own).merge(OTELResourceDetector().detect())


def _spool(home: Path, resource: Resource) -> Spool | None:
    from .spool import Spool

    if sys.platform == "win32":
        return None
    try:
        return Spool.make(home, resource)
    except OSError as error:
        _log.warning("%s: %s; the spans of a killed worker will be lost", home, error.strerror)
        return None


def _check_protocol() -> None:
    name = "OTEL_EXPORTER_OTLP_PROTOCOL"
    if (value := os.environ.get(name, "")) not in {"", "http/protobuf"}:
        raise SettingsInvalid(
            f"{name} is {value!r}; use 'http/protobuf', which collectors take on port 4318, or leave it out"
        )
