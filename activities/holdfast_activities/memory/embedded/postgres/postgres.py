"""Memories in a PostgreSQL database: the tables and statements of the SQLite file, in a separate schema.

Each thread has a connection and an event loop for asyncpg. Writers are serialised by an advisory lock, as
SQLite serialises them, so read-modify-write is safe.
"""

from __future__ import annotations  # asyncpg's classes are generic to type checkers only

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import asyncpg

from holdfast_activities.state.encryption.cipher import CLEAR, Cipher
from holdfast_activities.state.setup.location import PostgresLocation
from holdfast_workflows.contracts.errors import BadInput, MemoryUnavailable, SettingsInvalid

from ..connection import Backend
from ..store import EmbeddedStore
from ..vectors.matrices import CACHE_BYTES
from .pgvector import nearest, register
from .tables import SCHEMA, has_pgvector, prepare, size

T = TypeVar("T")

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 60.0
SETTINGS = {
    "search_path": SCHEMA,
    # Forces the indexes the statements were written for: without statistics on a newly filled table the planner
    # chooses badly, and a search may take two seconds.
    **dict.fromkeys(("enable_hashjoin", "enable_mergejoin", "enable_seqscan", "jit"), "off"),
    # Longer than any write takes; the second setting ends the transaction of a stopped process.
    "lock_timeout": "15s",
    "idle_in_transaction_session_timeout": "15s",
    "application_name": "holdfast memory",
}
LOCK = "SELECT pg_advisory_xact_lock(hashtext('holdfast memory'))"
_PGVECTOR = (
    "HOLDFAST_KEYS: the memories' vectors have the type of pgvector, which compares them in the clear, and vectors "
    "reveal their texts. Set HOLDFAST_MEMORY_URL to a database without memories, or drop the schema holdfast_memory "
    "to begin without them"
)
_BROKEN = (
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    OSError,
)


class FetchedRows:
    """The result rows of a statement."""

    def __init__(self, rows: Sequence[asyncpg.Record]) -> None:
        self._rows = [tuple(row) for row in rows]

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows[0] if self._rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self._rows)


class PostgresConnection:
    """A ``Connection`` with SQLite's interface. It reconnects after a failure.

    Every method raises MemoryUnavailable if the database does not answer.
    """

    def __init__(self, location: PostgresLocation) -> None:
        self._location = location
        self._loop = asyncio.new_event_loop()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    @property
    def in_transaction(self) -> bool:
        open_ = self._connection
        return open_ is not None and not open_.is_closed() and open_.is_in_transaction()

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> FetchedRows:
        """Run one statement, or several without values and rows."""
        if not self.in_transaction:
            return self._run(self._begin(sql))
        if parameters or sql.lstrip()[:6] in ("SELECT", "WITH a"):
            return FetchedRows(self._run(self._open().fetch(_numbered(sql), *parameters)))
        self._run(self._open().execute(sql))
        return FetchedRows([])

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> None:
        self._run(self._open().executemany(_numbered(sql), list(parameters)))

    def close(self) -> None:
        try:
            if self._connection is not None:
                self._loop.run_until_complete(self._connection.close(timeout=CONNECT_SECONDS))
        except (*_BROKEN, TimeoutError):
            self._connection.terminate() if self._connection is not None else None
        finally:
            self._loop.close()

    async def _begin(self, sql: str) -> FetchedRows:
        if self._connection is not None and not self._connection.is_closed():
            try:
                await self._connection.execute(sql)
                return FetchedRows([])
            except _BROKEN:
                pass  # broken while idle; nothing was executed
        self._connection = await asyncpg.connect(
            self._location.dsn,
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
            server_settings=SETTINGS,
        )
        await register(self._connection, SCHEMA)
        await self._connection.execute(sql)
        return FetchedRows([])

    def _open(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._connection is None:
            raise MemoryUnavailable("no transaction is open")
        return self._connection

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self._loop.run_until_complete(work)
        except asyncpg.DataError as error:
            raise BadInput(f"PostgreSQL cannot store this value: {error}") from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, ValueError) as error:
            what = str(error) or "no answer in time"
            raise MemoryUnavailable(f"PostgreSQL: {type(error).__name__}: {what}") from error


async def open_postgres(
    location: PostgresLocation, *, cache_bytes: int = CACHE_BYTES, cipher: Cipher = CLEAR
) -> EmbeddedStore:
    """Open the memories in a database and create missing tables. ``cache_bytes`` bounds the vectors cached here.
    ``cipher`` encrypts vectors.

    Raises:
        MemoryUnavailable: The database does not answer, or the tables cannot be created.
        SettingsInvalid: Vectors are to be encrypted, and the tables have the type of pgvector.
    """
    compares = await asyncio.to_thread(_prepare, location, encrypted=cipher is not CLEAR)
    if compares and cipher is not CLEAR:
        raise SettingsInvalid(_PGVECTOR)
    return EmbeddedStore(
        Backend(
            "postgres",
            lambda: PostgresConnection(location),
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            f"BEGIN; {LOCK}",
            size,
            lambda _: 0,  # PostgreSQL's vacuum releases storage
            lambda _: None,  # and removes erased rows from the files
            nearest if compares else None,
        ),
        cache_bytes,
        cipher,
    )


def _prepare(location: PostgresLocation, *, encrypted: bool) -> bool:
    """Create the tables; return whether the database compares vectors."""
    connection = PostgresConnection(location)
    try:
        connection.execute(f"BEGIN; {LOCK}")
        prepare(connection, encrypted=encrypted)
        compares = has_pgvector(connection)
        connection.execute("COMMIT")
        return compares
    finally:
        connection.close()


@lru_cache(maxsize=1_000)
def _numbered(sql: str) -> str:
    """Replace ``?`` placeholders by numbered ones (``$1``)."""
    first, *rest = sql.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))
