"""The worker's connections, shared by the calls with the same server and credentials."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from holdfast_workflows.contracts.agent.mcp import McpServer

from .connection import Connection
from .credentials import Resolved

_LOOK_EVERY = 5.0
"""Seconds between looks for idle connections."""


class Pool:
    """Connections by server and credentials. They open when needed, and close when idle."""

    def __init__(self) -> None:
        self._connections: dict[tuple[McpServer, str], Connection] = {}

    @asynccontextmanager
    async def connection(self, server: McpServer, resolved: Resolved) -> AsyncGenerator[Connection]:
        """Use an open connection; it is not closed as idle within the block.

        Raises:
            McpUnavailable: It cannot be opened.
            McpAccessDenied: The server refused the credentials.
        """
        key = (server, resolved.key)
        found = self._connections.get(key)
        if found is None or not found.alive:
            found = self._connections[key] = Connection(server, resolved)
        found.users += 1
        try:
            await found.opened()
            yield found
        finally:
            found.users -= 1
            found.used = time.monotonic()

    async def close_idle(self) -> None:
        """Close idle connections as long as the task runs."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            now = time.monotonic()
            for key, each in list(self._connections.items()):
                if not each.alive or (not each.users and now - each.used >= each.server.idle):
                    del self._connections[key]
                    await each.close()

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(each.close() for each in self._connections.values()))
        self._connections.clear()
