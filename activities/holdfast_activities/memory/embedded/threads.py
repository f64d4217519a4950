"""One writer thread and several reader threads, each with its own connection. Each job is one transaction."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from holdfast_workflows.contracts.errors import MemoryUnavailable

from .connection import Backend, Connection, Work

T = TypeVar("T")

READERS = 4


class Threads:
    """The writer and reader threads of one database."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._connections: list[Connection] = []
        self._own = threading.local()
        self._writer = ThreadPoolExecutor(1, "holdfast-memory-writer")
        self._readers = ThreadPoolExecutor(READERS, "holdfast-memory-reader")

    async def read(self, work: Work[T]) -> T:
        """Run a job on a reader thread.

        Raises:
            MemoryUnavailable: The database cannot be read, or the store is closed.
        """
        return await self._run(
            self._readers, lambda: _within(self._connection(), self._backend.begin_read, work)
        )

    async def write(self, work: Work[T]) -> T:
        """Run a job on the writer thread; its changes are durable on return.

        Raises:
            MemoryUnavailable: The database cannot be written or is locked for too long, or the store is closed.
        """
        return await self._run(
            self._writer, lambda: _within(self._connection(), self._backend.begin_write, work)
        )

    async def tidy(self, work: Work[T]) -> T:
        """Run a job on the writer thread that manages its own transactions."""
        return await self._run(self._writer, lambda: work(self._connection()))

    async def close(self) -> None:
        """Finish queued jobs, then close."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._readers.shutdown()
        self._writer.shutdown()
        while self._connections:
            self._connections.pop().close()

    async def _run(self, pool: ThreadPoolExecutor, job: Callable[[], T]) -> T:
        try:
            future = pool.submit(job)
        except RuntimeError as error:
            raise MemoryUnavailable("the memory store was closed by this process") from error
        try:
            return await asyncio.wrap_future(future)
        except sqlite3.Error as error:
            raise MemoryUnavailable(f"{type(error).__name__}: {error}") from error

    def _connection(self) -> Connection:
        found: Connection | None = getattr(self._own, "connection", None)
        if found is None:
            found = self._own.connection = self._backend.connect()
            self._connections.append(found)
        return found


def _within(connection: Connection, begin: str, work: Work[T]) -> T:
    connection.execute(begin)
    try:
        result = work(connection)
        connection.execute("COMMIT")
        return result
    finally:
        # Some errors, such as a full disk, have already ended the transaction.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
