"""The memories in a PostgreSQL database: the same tables and statements as in a file, in a schema of their own.

Each thread has a connection and an event loop to run asyncpg on. Writers wait for each other by a lock of
the database, as those of a file do, so that what is read, changed and written back stays whole.
"""

from __future__ import annotations  # asyncpg's classes are generic to type checkers only

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import asyncpg

from holdfast_activities.state.setup.location import PostgresLocation
from holdfast_workflows.contracts.errors import BadInput, MemoryUnavailable

from .connection import Backend, Connection
from .matrices import CACHE_BYTES
from .pgvector import know, nearest
from .postgres_tables import SCHEMA, has_pgvector, prepare, size
from .store import EmbeddedStore

T = TypeVar("T")

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 60.0
SETTINGS = {
    "search_path": SCHEMA,
    # By the indexes that each statement was written for: of a table that has just been filled the planner knows too
    # little to choose well, and a search may take two seconds.
    **dict.fromkeys(("enable_hashjoin", "enable_mergejoin", "enable_seqscan", "jit"), "off"),
    # Longer than any other process writes; one that stopped amid its transaction is ended by the second.
    "lock_timeout": "15s",
    "idle_in_transaction_session_timeout": "15s",
    "application_name": "holdfast memory",
}
LOCK = "SELECT pg_advisory_xact_lock(hashtext('holdfast memory'))"
_BROKEN = (
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    OSError,
)


class Found:
    """The rows of a statement."""

    def __init__(self, rows: Sequence[asyncpg.Record]) -> None:
        self._rows = [tuple(row) for row in rows]

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows[0] if self._rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self._rows)


class PostgresConnection:
    """A connection that is used like one to SQLite; see ``Connection``. It connects again after it broke.

    Every method raises MemoryUnavailable where the database does not answer.
    """

    def __init__(self, location: PostgresLocation) -> None:
        self._location = location
        self._loop = asyncio.new_event_loop()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction was begun and not ended."""
        open_ = self._connection
        return open_ is not None and not open_.is_closed() and open_.is_in_transaction()

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Found:
        """Do one statement; or several, without values and rows."""
        if not self.in_transaction:
            return self._run(self._begin(sql))
        if parameters or sql.lstrip()[:6] in ("SELECT", "WITH a"):
            return Found(self._run(self._open().fetch(_numbered(sql), *parameters)))
        self._run(self._open().execute(sql))
        return Found([])

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> None:
        """Do a statement for each of the values."""
        self._run(self._open().executemany(_numbered(sql), list(parameters)))

    def close(self) -> None:
        """Close it."""
        try:
            if self._connection is not None:
                self._loop.run_until_complete(self._connection.close(timeout=CONNECT_SECONDS))
        except (*_BROKEN, TimeoutError):
            self._connection.terminate() if self._connection is not None else None
        finally:
            self._loop.close()

    async def _begin(self, sql: str) -> Found:
        if self._connection is not None and not self._connection.is_closed():
            try:
                await self._connection.execute(sql)
                return Found([])
            except _BROKEN:
                pass  # it broke since it was last used, and nothing was done yet
        self._connection = await asyncpg.connect(
            self._location.dsn,
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
            server_settings=SETTINGS,
        )
        await know(self._connection, SCHEMA)
        await self._connection.execute(sql)
        return Found([])

    def _open(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._connection is None:
            raise MemoryUnavailable("no transaction was begun")
        return self._connection

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self._loop.run_until_complete(work)
        except asyncpg.DataError as error:
            raise BadInput(f"PostgreSQL cannot keep this: {error}") from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, ValueError) as error:
            raise MemoryUnavailable(f"PostgreSQL: {type(error).__name__}: {error}") from error


async def open_postgres(location: PostgresLocation, *, cache_bytes: int = CACHE_BYTES) -> EmbeddedStore:
    """Open the memories in a database, whose tables are made if they are not there.

    Args:
        location: Where it is.
        cache_bytes: How much of the vectors is kept in this process's memory.

    Raises:
        MemoryUnavailable: The database does not answer, or the tables cannot be made.
    """
    compares = await asyncio.to_thread(_prepare, location)
    return EmbeddedStore(
        Backend(
            "postgres",
            lambda: PostgresConnection(location),
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            f"BEGIN; {LOCK}",
            size,
            _nothing_to_tidy,
            _nothing_to_do,
            nearest if compares else None,
        ),
        cache_bytes,
    )


def _prepare(location: PostgresLocation) -> bool:
    """Make the tables; whether the database compares vectors."""
    connection = PostgresConnection(location)
    try:
        connection.execute(f"BEGIN; {LOCK}")
        prepare(connection)
        compares = has_pgvector(connection)
        connection.execute("COMMIT")
        return compares
    finally:
        connection.close()


def _nothing_to_tidy(_connection: Connection) -> int:
    """The database's own vacuum gives storage back."""
    return 0


def _nothing_to_do(_connection: Connection) -> None:
    """What was erased leaves the files with the database's own vacuum."""


@lru_cache(maxsize=1_000)
def _numbered(sql: str) -> str:
    """A statement with its marks as PostgreSQL writes them."""
    first, *rest = sql.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))
