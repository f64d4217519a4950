"""A TCP proxy between a worker and the server, which can be cut and restored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress


class Line:
    """Forwards bytes both ways. Workers connect to ``address``.

    A cut closes both ends, so the server cancels the polls of the worker. The polls of a
    stopped process would stay open, and a task given to one of them would wait for its timeout.
    """

    def __init__(self, target: str) -> None:
        self._host, _, self._port = target.rpartition(":")
        self._open: set[asyncio.StreamWriter] = set()
        self._cut = False
        self.address = ""

    def cut(self) -> None:
        """Close all connections and refuse new ones."""
        self._cut = True
        for end in self._open:
            end.transport.abort()

    def mend(self) -> None:
        """Accept connections again."""
        self._cut = False

    async def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either end closes it."""
        if self._cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(self._host, int(self._port))
        self._open |= {writer, far_writer}
        try:
            await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))
        finally:
            self._open -= {writer, far_writer}


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()


@asynccontextmanager
async def line(target: str) -> AsyncGenerator[Line]:
    """A line to an address, open while the block runs."""
    made = Line(target)
    server = await asyncio.start_server(made.enter, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    made.address = f"{host}:{port}"
    try:
        yield made
    finally:
        made.cut()
        server.close()
