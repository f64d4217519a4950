"""A collector for tests: it takes spans by OTLP over HTTP and keeps them."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from tests.support import eventually


@dataclass(frozen=True)
class Received:
    """A span as it arrived; ids are in hex, times in seconds."""

    trace: str
    id: str
    parent: str
    name: str
    kind: int
    start: float
    end: float
    error: str
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]
    links: tuple[str, ...] = ()
    """The ids of linked spans."""


@dataclass
class Receiver:
    """The received spans in order; one that was sent twice is in ``sent`` twice. Does nothing while ``refusing``."""

    url: str = ""
    sent: list[Received] = field(default_factory=list[Received])
    refusing: bool = False
    refused: int = 0

    @property
    def spans(self) -> list[Received]:
        """The spans as a backend shows them: one of each id."""
        return list({each.id: each for each in self.sent}.values())

    def named(self, name: str) -> list[Received]:
        """The spans of that name."""
        return [each for each in self.spans if each.name == name]

    def one(self, name: str) -> Received:
        """The only span of that name."""
        (found,) = self.named(name)
        return found

    async def has(self, name: str, count: int = 1) -> None:
        """Wait until so many spans of that name have arrived."""

        async def there() -> bool:
            return len(self.named(name)) >= count

        await eventually(there)

    async def has_refused(self) -> None:
        """Wait until a request was refused."""

        async def there() -> bool:
            return self.refused > 0

        await eventually(there)

    def take(self, body: bytes) -> None:
        """Keep the spans of a request."""
        request = ExportTraceServiceRequest.FromString(body)
        for of_resource in request.resource_spans:
            resource = _values(of_resource.resource.attributes)
            for scope in of_resource.scope_spans:
                self.sent += [_received(span, resource) for span in scope.spans]


@contextmanager
def receiver(port: int = 0) -> Generator[Receiver]:
    """A collector that listens while the block runs."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if kept.refusing:
                kept.refused += 1
            else:
                kept.take(body)
            self.send_response(400 if kept.refusing else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - its name in the base

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _received(span: Any, resource: Mapping[str, Any]) -> Received:
    return Received(
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        name=span.name,
        kind=span.kind,
        start=span.start_time_unix_nano / 1e9,
        end=span.end_time_unix_nano / 1e9,
        error=span.status.message if span.status.code == 2 else "",
        attributes=_values(span.attributes),
        resource=resource,
        links=tuple(each.span_id.hex() for each in span.links),
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None
