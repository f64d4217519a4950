"""A TCP proxy between a worker and the Temporal server, whose requests a test can hold back."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class Wire:
    """Forwards bytes to a server; after ``hold`` the worker's bytes are kept back."""

    def __init__(self, server: str) -> None:
        self._host, _, port = server.rpartition(":")
        self._port = int(port)
        self._open = asyncio.Event()
        self._open.set()
        self._flows: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.received = bytearray()
        """Bytes from the server to the worker since ``hold``."""
        self._mark: bytes | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for flow in self._flows:
            flow.cancel()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*self._flows, return_exceptions=True)

    @property
    def address(self) -> str:
        """The address for the worker."""
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def hold(self) -> None:
        """Keep back everything the worker sends from now on."""
        self._open.clear()

    def hold_at(self, mark: bytes) -> None:
        """Hold as soon as the server sends these bytes, which the worker still gets."""
        self._mark = mark

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(self._host, self._port)
        self._writers += [writer, there_writer]
        for source, sink, held in ((reader, there_writer, True), (there_reader, writer, False)):
            flow = asyncio.create_task(self._flow(source, sink, held=held))
            self._flows.add(flow)
            flow.add_done_callback(self._flows.discard)

    async def _flow(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, held: bool) -> None:
        try:
            while data := await source.read(65_536):
                if not held and self._mark is not None and self._mark in data:
                    self.hold()
                if held:
                    await self._open.wait()
                elif not self._open.is_set():
                    self.received += data
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass
        finally:
            sink.close()
