"""The network between workers and Temporal, which a fault cuts."""

import asyncio
from contextlib import suppress

_CHUNK = 65_536


class Network:
    """Forwards connections from a port to a server, until it is cut."""

    def __init__(self, port: int, server: str) -> None:
        """``server`` is HOST:PORT."""
        self.address = f"127.0.0.1:{port}"
        self._port = port
        self._host, _, to = server.rpartition(":")
        self._to = int(to)
        self._listener: asyncio.Server | None = None
        self._open = set[asyncio.Task[None]]()

    async def connect(self) -> None:
        """Forward from now on."""
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self._port)

    async def cut(self) -> None:
        """End all connections, and accept no others."""
        if self._listener is not None:
            self._listener.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        try:
            with suppress(OSError, asyncio.CancelledError):  # it is cut
                there, back = await asyncio.open_connection(self._host, self._to)
                try:
                    await asyncio.gather(_copy(reader, back), _copy(there, writer))
                finally:
                    back.close()
        finally:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()
