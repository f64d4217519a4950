"""``/health``, ``/ready`` and ``/metrics`` over HTTP.

``/health`` is 200 while the process should keep running: its event loop responds and its worker has not
failed. ``/ready`` is 200 while the worker can do work: it polls, and Temporal and the state database answer.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, Literal

from pydantic import BaseModel

from holdfast_workflows.contracts.errors import SettingsInvalid
from holdfast_workflows.contracts.text.redaction import redact_error
from holdfast_workflows.contracts.text.unicode import preview

Phase = Literal["starting", "running", "stopping", "failed"]
Check = Callable[[], Awaitable[object]]

_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
_TIMEOUT: Final = 2.0  # seconds for a check, for reading a request and for writing its response


class Health(BaseModel):
    """The body of ``/health``. ``uptime`` is in seconds; ``queues`` are the task queues that the worker serves."""

    ok: bool
    worker: Phase
    uptime: float
    queues: tuple[str, ...]


class Ready(BaseModel):
    """The body of ``/ready``. Each part is ``ok`` or an error message."""

    ok: bool
    worker: Phase
    temporal: str
    state: str


class HealthServer:
    """The HTTP server. The worker process sets ``phase`` and ``checks`` as it starts."""

    def __init__(self, queues: Sequence[str] = ()) -> None:
        self.queues = tuple(queues)
        self.phase: Phase = "starting"
        self.checks: dict[Literal["temporal", "state"], Check] = {}
        self.metrics: Callable[[], Awaitable[bytes]] | None = None
        self._started = time.monotonic()
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int, setting: str = "HOLDFAST_HEALTH_PORT") -> int:
        """Start the server and return its port; 0 chooses a free one. An error names the ``setting``.

        Raises:
            SettingsInvalid: The port is in use, or the host is not an address of this machine.
        """
        try:
            self._server = await asyncio.start_server(self._serve, host, port)
        except OSError as error:
            raise SettingsInvalid(f"{setting}: {host}:{port}: {_reason(error)}") from error
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    def health(self) -> Health:
        """Whether the process should keep running."""
        uptime = round(time.monotonic() - self._started, 3)
        return Health(ok=self.phase != "failed", worker=self.phase, uptime=uptime, queues=self.queues)

    async def ready(self) -> Ready:
        """Whether the worker can do work now."""
        temporal, state = await asyncio.gather(self._check("temporal"), self._check("state"))
        ok = self.phase == "running" and temporal == "ok" and state == "ok"
        return Ready(ok=ok, worker=self.phase, temporal=temporal, state=state)

    async def _check(self, part: Literal["temporal", "state"]) -> str:
        check = self.checks.get(part)
        if check is None:
            return "not connected yet"
        try:
            async with asyncio.timeout(_TIMEOUT):
                await check()
        except TimeoutError:
            return f"no answer in {_TIMEOUT:g} s"
        except Exception as error:  # noqa: BLE001 # the page reports any error
            return preview(redact_error(str(error)) or type(error).__name__)
        return "ok"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_TIMEOUT):
                head = await reader.readuntil(b"\r\n\r\n")
            writer.write(await self._answer(head.split(b"\r\n", 1)[0].decode("latin-1")))
            async with asyncio.timeout(_TIMEOUT):
                await writer.drain()
        writer.close()

    async def _answer(self, request: str) -> bytes:
        method, path, *_ = [*request.split(" "), "", ""]
        page: Health | Ready
        match method, path.partition("?")[0]:
            case "GET" | "HEAD", "/health":
                page = self.health()
            case "GET" | "HEAD", "/ready":
                page = await self.ready()
            case "GET" | "HEAD", "/metrics" if self.metrics is not None:
                return await _metrics(self.metrics, body=method == "GET")
            case _:
                return _response("404 Not Found", b'{"error":"use /health, /ready or /metrics"}')
        status = "200 OK" if page.ok else "503 Service Unavailable"
        return _response(status, page.model_dump_json().encode(), body=method == "GET")


def _reason(error: OSError) -> str:
    """What the system says; the event loop's own text repeats the address."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)


async def _metrics(render: Callable[[], Awaitable[bytes]], *, body: bool) -> bytes:
    try:
        content = await render()
    except OSError as error:  # a TimeoutError too
        return _response("503 Service Unavailable", f'{{"error":"{type(error).__name__}"}}'.encode())
    return _response("200 OK", content, body=body, kind=_PROMETHEUS)


def _response(status: str, content: bytes, *, body: bool = True, kind: str = "application/json") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (content if body else b"")
