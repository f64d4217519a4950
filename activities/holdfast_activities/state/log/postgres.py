"""The log in PostgreSQL: one prepared statement and one round trip for each settle and each read.

Extras take a transaction, with one statement for each kind and three for a charge.
"""

from __future__ import annotations  # asyncpg's classes are generic to type checkers only

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from holdfast_workflows.contracts.errors import StateUnavailable
from holdfast_workflows.contracts.session.entries import Entry

from ..audit.appending import Sign
from ..encryption.cipher import CLEAR, Cipher
from ..setup.engines import COMMAND_SECONDS, CONNECT_SECONDS, unavailable
from ..setup.identity import Identity
from ..setup.location import PostgresLocation
from .extra_writes import Statements, for_postgres, prepare, write
from .extras import Charged, LogExtras, Settled
from .rows import END, Row, decode, encode, identifier

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

_CONNECTIONS = 8

_INSERT = """INSERT INTO holdfast_log (session, seq, body)
    SELECT $1, seq, body FROM unnest($2::bigint[], $3::text[]) AS new (seq, body)
    ON CONFLICT DO NOTHING RETURNING seq"""

_STORED = "SELECT seq, body FROM holdfast_log WHERE session = $1 AND seq = ANY($2::bigint[])"

_RANGE = """SELECT seq, body FROM holdfast_log
    WHERE session = $1 AND seq >= $2 AND seq < $3 ORDER BY seq LIMIT $4"""


class _Fetches(Protocol):
    """A connection, or a pool where each statement is a transaction of its own."""

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]: ...


class PostgresLog:
    """A log on a pool of connections."""

    def __init__(
        self, pool: asyncpg.Pool[asyncpg.Record], sign: Sign | None = None, cipher: Cipher = CLEAR
    ) -> None:
        self._pool = pool
        self._sign = sign
        self._cipher = cipher

    async def settle(self, session: str, entries: Sequence[Entry]) -> list[Entry]:
        """Write entries; return those now stored at their numbers."""
        rows = encode(session, entries, self._cipher)
        with unavailable():
            return await self._write(self._pool, session, entries, rows)

    async def settle_with(self, session: str, entries: Sequence[Entry], extras: LogExtras) -> Settled:
        """Write entries with extras in one transaction."""
        rows = encode(session, entries, self._cipher)
        prepared = prepare(extras, self._cipher)
        with unavailable():
            async with self._pool.acquire() as connection, connection.transaction():
                stored = await self._write(connection, session, entries, rows)
                [charged] = await _run(connection, write([prepared], self._sign))
                return Settled(stored, charged)

    async def read(
        self, session: str, start: int, stop: int | None = None, *, limit: int | None = None
    ) -> list[Entry]:
        """Read a range of entries."""
        identifier(session)
        with unavailable():
            found = await self._pool.fetch(_RANGE, session, start, END if stop is None else stop, limit)
        return decode(session, [(record["seq"], record["body"]) for record in found], self._cipher)

    async def close(self) -> None:
        """Finish running statements, then close the connections; those of a server that does not answer, too."""
        with suppress(StateUnavailable), unavailable():  # the error of the statement before it says more
            await self._pool.close()

    async def _write(
        self, connection: _Fetches, session: str, entries: Sequence[Entry], rows: list[Row]
    ) -> list[Entry]:
        """Insert rows where none exist, and return the entries now stored at their numbers."""
        if not rows:
            return []
        numbers = [seq for _, seq, _ in rows]
        written = await connection.fetch(_INSERT, session, numbers, [body for _, _, body in rows])
        if len(written) == len(rows):
            return list(entries)
        # Rare: a second attempt finds the entries of the first. A separate statement, since the insert does
        # not see rows that were committed while it waited for them.
        found = await connection.fetch(_STORED, session, numbers)
        stored = {record["seq"]: record["body"] for record in found}
        if not stored.keys() >= set(numbers):
            raise StateUnavailable("an entry was removed while it was written")
        return decode(session, [(seq, stored[seq]) for seq in numbers], self._cipher)


async def open_log(
    location: PostgresLocation, identity: Identity, sign: Sign | None = None, cipher: Cipher = CLEAR
) -> PostgresLog:
    """Open the log of a database that has its tables; each new connection is verified."""
    import asyncpg  # not loaded by workers on SQLite

    with unavailable():
        pool = await asyncpg.create_pool(
            location.dsn,
            min_size=1,
            max_size=_CONNECTIONS,
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
            init=identity.verify_connection,
            reset=_keep,
        )
    return PostgresLog(pool, sign, cipher)


async def _run(connection: PoolConnectionProxy[asyncpg.Record], statements: Statements) -> list[Charged]:
    found: list[asyncpg.Record] = []
    try:
        sql, rows = next(statements)
        while True:
            if len(rows) == 1:
                found = await connection.fetch(for_postgres(sql), *rows[0])
            else:
                await connection.executemany(for_postgres(sql), rows)
            sql, rows = statements.send(found)
    except StopIteration as end:
        charged: list[Charged] = end.value
        return charged


async def _keep(_connection: object) -> None:
    """Skip asyncpg's reset of returned connections: nothing but the transaction needs one, and asyncpg ends that."""
