"""What observes a worker: a collector that takes its spans, and a scraper that reads its metrics."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import httpx

_EVERY: Final = 5.0
"""Seconds between scrapes; `deploy/` has 15."""


@dataclass
class Collector:
    """An OTLP collector that counts the bytes it takes, and drops them."""

    url: str = ""
    received: int = 0


@contextmanager
def collecting() -> Generator[Collector]:
    """A collector for the length of the block."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            collector.received += len(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - its name in the base

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    collector.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@asynccontextmanager
async def scraping(page: str) -> AsyncGenerator[None]:
    """Read a page of metrics, again and again, for the length of the block."""

    async def read() -> None:
        async with httpx.AsyncClient() as http:
            while True:
                (await http.get(page)).raise_for_status()
                await asyncio.sleep(_EVERY)

    reading = asyncio.create_task(read())
    try:
        yield
    finally:
        if not reading.done():
            reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
