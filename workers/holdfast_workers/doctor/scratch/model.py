"""A model on loopback, scripted by the path of its URL, that fails as providers do."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

REPLY: Final = "I am fit."
_FAILURES: Final = 2
_READ: Final = 10.0
_ANSWER: Final = json.dumps({
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": REPLY}}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14},
}).encode()  # fmt: skip


class ScratchModel:
    """The server. ``steady`` answers, ``flaky`` fails twice first, ``down`` always fails, ``held`` waits.

    ``requests`` counts requests by path. ``holding`` counts requests that ``held`` holds, by the header
    ``x-worker``; ``release`` lets it answer them and all later ones.
    """

    def __init__(self) -> None:
        self.requests = Counter[str]()
        self.holding = Counter[str]()
        self.release = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Listen on a free port of this machine."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        """Stop listening."""
        self.release.set()
        assert self._server is not None
        self._server.close()

    def url(self, path: str) -> str:
        """The base URL of a path."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
                async with asyncio.timeout(_READ):
                    await reader.readexactly(int(headers.get("content-length", "0")))
                status, body = await self._answer(head.split("/")[1], headers.get("x-worker", ""))
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        writer.close()

    async def _answer(self, path: str, worker: str) -> tuple[str, bytes]:
        self.requests[path] += 1
        if path == "down" or (path == "flaky" and self.requests[path] <= _FAILURES):
            return "503 Service Unavailable", b'{"error":{"message":"scripted failure"}}'
        if path == "held":
            self.holding[worker] += 1
            try:
                await self.release.wait()
            finally:
                self.holding[worker] -= 1
        return "200 OK", _ANSWER
