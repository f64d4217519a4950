"""A minimal HTTP/1.1 server: keep-alive, Content-Length in, whole or chunked out.

It shares the processor with the code under test, and prompts are large, so a request costs
one search of its head and one copy of its body.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, cast

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}
_LINGER_ZERO = struct.pack("ii", 1, 0)


Handler = Callable[["Connection", str, bytes, bytes], None]
"""Answers a request (connection, path, head, body), now or later, with the connection's methods."""


class Connection(asyncio.Protocol):
    """One client's connection; one request at a time."""

    def __init__(self, handler: Handler, open_connections: set[Connection]) -> None:
        """A connection that passes requests to ``handler`` and is in ``open_connections`` while it is open."""
        self._handler = handler
        self._all = open_connections
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._head_end = -1
        self._total = 0
        self._busy = False
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        # uvloop's transports do not inherit the class
        self._transport = cast("asyncio.Transport", transport)
        self._all.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop a running answer."""
        self._all.discard(self)
        self._transport = None
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Collect bytes until a request is whole."""
        self._buffer += data
        self._advance()

    def _advance(self) -> None:
        if self._busy:
            return
        if self._head_end < 0:
            self._head_end = self._buffer.find(b"\r\n\r\n")
            if self._head_end < 0:
                return
            length = _LENGTH.search(self._buffer, 0, self._head_end)
            self._total = self._head_end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < self._total:
            return
        head = bytes(self._buffer[: self._head_end])
        with memoryview(self._buffer) as view:
            body = bytes(view[self._head_end + 4 : self._total])
        del self._buffer[: self._total]
        self._head_end = -1
        self._busy = True
        path = head.split(b" ", 2)[1].decode("latin-1")
        self._handler(self, path, head, body)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Answer by a coroutine, which is cancelled when the client disconnects."""
        self._task = asyncio.get_running_loop().create_task(work)

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer."""
        self._write(_head(status, {**headers, "content-length": str(len(body))}) + body)
        self._done()

    def begin(self, headers: Mapping[str, str], chunks: Sequence[bytes]) -> None:
        """Send the head and the first chunks of a streamed answer in one write."""
        head = _head(200, {**headers, "transfer-encoding": "chunked"})
        self._write(head + b"".join(_chunk(chunk) for chunk in chunks))

    def more(self, chunk: bytes) -> None:
        """Send a chunk of a streamed answer."""
        self._write(_chunk(chunk))

    def end(self) -> None:
        """End a streamed answer."""
        self._write(b"0\r\n\r\n")
        self._done()

    def short(self, status: int, headers: Mapping[str, str], body: bytes, length: int) -> None:
        """Send the beginning of an answer of ``length`` bytes, and close."""
        self._write(_head(status, {**headers, "content-length": str(length)}) + body)
        self.close()

    def close(self) -> None:
        """Close after what is written."""
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Reset the connection."""
        if self._transport is not None:
            connected: socket.socket = self._transport.get_extra_info("socket")
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _done(self) -> None:
        self._busy = False
        self._task = None
        if self._buffer:
            self._advance()


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
