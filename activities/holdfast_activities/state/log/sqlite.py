"""The log in a SQLite file.

Writes go to one thread, which writes all waiting jobs by one statement in one transaction: one flush to
disk, and one release of the interpreter's lock, which a busy event loop may take milliseconds to return.
For the same reason a range is read as one row. Extras take an explicit transaction, again one for all
waiting jobs.
"""

import asyncio
import functools
import sqlite3
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from holdfast_workflows.contracts.errors import StateUnavailable
from holdfast_workflows.contracts.session.entries import Entry

from ..audit.appending import Sign
from ..encryption.cipher import CLEAR, Cipher
from ..setup.file_watch import FileWatch
from ..setup.location import FileLocation, SqliteLocation
from .connection_thread import ConnectionThread
from .extra_writes import ExtraRows, Statements, for_sqlite, prepare, write
from .extras import Charged, LogExtras, Settled
from .rows import END, Row, decode, encode, identifier

_ROWS_PER_STATEMENT = 100

_STORED = "SELECT body FROM holdfast_log WHERE session = ? AND seq = ?"

_RANGE = """SELECT 0, group_concat(body, ',') FROM (
    SELECT body FROM holdfast_log WHERE session = ? AND seq >= ? AND seq < ? ORDER BY seq LIMIT ?)"""

_EACH = """SELECT seq, body FROM holdfast_log
    WHERE session = ? AND seq >= ? AND seq < ? ORDER BY seq LIMIT ?"""

_Job = tuple[list[Row], ExtraRows | None]

_Stored = list[str | None]
"""For each row of a job None if it was written, else the existing body."""

_Done = tuple[_Stored, Charged]

_Range = tuple[str, int, int, int]

_Rows = list[tuple[int, str | None]]
"""Numbers and bodies; all bodies as one without keys, None for an empty range."""


class SqliteLog:
    """A log on two connections, one for writing and one for reading."""

    def __init__(
        self,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        watch: FileWatch,
        sign: Sign | None = None,
        cipher: Cipher = CLEAR,
    ) -> None:
        # The commits of a file store are captured, so a statement is not its own transaction.
        captured = type(writer) is not sqlite3.Connection

        def write(jobs: list[_Job]) -> list[_Done]:
            watch.check()
            return _serve(writer, jobs, sign, captured=captured)

        # Encrypted entries are decrypted one by one, so they are not joined.
        query = _RANGE if cipher is CLEAR else _EACH

        def read(jobs: list[_Range]) -> list[_Rows]:
            watch.check()
            return [reader.execute(query, job).fetchall() for job in jobs]

        self._cipher = cipher
        self._writer = ConnectionThread[_Job, _Done]("holdfast-log-writer", write, writer.close)
        self._reader = ConnectionThread[_Range, _Rows]("holdfast-log-reader", read, reader.close)

    async def settle(self, session: str, entries: Sequence[Entry]) -> list[Entry]:
        """Write entries; return those now stored at their numbers."""
        if not entries:
            return []
        before, _ = await self._writer.do((encode(session, entries, self._cipher), None))
        return self._merge(session, entries, before)

    async def settle_with(self, session: str, entries: Sequence[Entry], extras: LogExtras) -> Settled:
        """Write entries with extras in one transaction."""
        rows = encode(session, entries, self._cipher)
        before, charged = await self._writer.do((rows, prepare(extras, self._cipher)))
        return Settled(self._merge(session, entries, before), charged)

    async def read(
        self, session: str, start: int, stop: int | None = None, *, limit: int | None = None
    ) -> list[Entry]:
        """Read a range of entries."""
        most = -1 if limit is None else limit
        rows = await self._reader.do((identifier(session), start, END if stop is None else stop, most))
        found = decode(session, [(seq, body) for seq, body in rows if body], self._cipher)
        # SQLite does not guarantee that group_concat keeps the order of its subquery.
        return sorted(found, key=lambda entry: entry.seq)

    async def close(self) -> None:
        """Write waiting entries, then close the connections."""
        await self._writer.close()
        await self._reader.close()

    def _merge(self, session: str, entries: Sequence[Entry], before: _Stored) -> list[Entry]:
        return [
            entry if stored is None else decode(session, [(entry.seq, stored)], self._cipher)[0]
            for entry, stored in zip(entries, before, strict=True)
        ]


async def open_log(
    location: SqliteLocation, watch: FileWatch, sign: Sign | None = None, cipher: Cipher = CLEAR
) -> SqliteLog:
    """Open the log of a file that has its tables."""
    return await asyncio.to_thread(
        lambda: SqliteLog(connect(location), connect(location), watch, sign, cipher)
    )


def prepare_file(location: SqliteLocation) -> None:
    """Create the file and its folder, and switch the file to a write-ahead log permanently.

    Raises StateUnavailable if the file cannot be written, or its file system cannot share memory.
    """
    try:
        location.path.parent.mkdir(parents=True, exist_ok=True)
        connection = connect(location)
        try:
            # Takes effect in a new file only. Without it, maintenance could not release removed rows in small steps.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            mode = switch_to_wal(connection, time.monotonic() + location.busy_seconds)
        finally:
            connection.close()
    except UnicodeDecodeError as error:
        raise StateUnavailable(f"a text in it is damaged, restore a backup: {error}") from error
    except (OSError, sqlite3.Error) as error:
        raise StateUnavailable(f"{location.path}: {error}") from error
    if mode != "wal":
        raise StateUnavailable(
            f"{location.path}: this file system does not support a write-ahead log; use a local disk"
        )


def switch_to_wal(connection: sqlite3.Connection, deadline: float) -> str:
    """Switch to a write-ahead log, with retries until ``deadline`` (monotonic); the resulting journal mode."""
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError:
            # SQLite's busy timeout does not apply while another process opens the same new file.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def connect(location: SqliteLocation) -> sqlite3.Connection:
    """A connection for the log."""
    factory: Any = sqlite3.Connection
    if isinstance(location, FileLocation):
        from ..files.capture import connect  # not loaded by workers on a database

        factory = functools.partial(connect, location.folder)
    connection: sqlite3.Connection = sqlite3.connect(
        location.path,
        factory=factory,
        timeout=location.busy_seconds,
        isolation_level=None,  # each statement is its own transaction
        check_same_thread=False,  # opened here, used on another thread only
        cached_statements=2 * _ROWS_PER_STATEMENT,
    )
    connection.execute(f"PRAGMA synchronous = {location.synchronous}")
    connection.execute("PRAGMA secure_delete = ON")  # overwrite erased data in the file
    return connection


def _serve(
    connection: sqlite3.Connection, jobs: list[_Job], sign: Sign | None, *, captured: bool
) -> list[_Done]:
    rows = [job for job, _ in jobs]
    extras = [extras for _, extras in jobs if extras is not None]
    if not extras and not captured:
        return [(stored, Charged()) for stored in _write(connection, rows)]
    # One transaction for all, since each would need a flush of its own.
    with _transaction(connection):
        stored = _write(connection, rows)
        charged = iter(_run(connection, write(extras, sign)) if extras else ())
    return [
        (each, Charged() if job[1] is None else next(charged)) for each, job in zip(stored, jobs, strict=True)
    ]


def _run(connection: sqlite3.Connection, statements: Statements) -> list[Charged]:
    found: list[object] = []
    try:
        sql, rows = next(statements)
        while True:
            if len(rows) == 1:
                found = connection.execute(for_sqlite(sql), rows[0]).fetchall()
            else:
                connection.executemany(for_sqlite(sql), rows)
            sql, rows = statements.send(found)
    except StopIteration as end:
        charged: list[Charged] = end.value
        return charged


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.commit()
    except BaseException:
        # Some errors, such as a full disk, have already ended the transaction.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _write(connection: sqlite3.Connection, jobs: list[list[Row]]) -> list[_Stored]:
    all_new = True
    for batch in _batches(jobs):
        rows = [row for job in batch for row in job]
        cursor = connection.execute(_insert(len(rows)), [value for row in rows for value in row])
        all_new = all_new and cursor.rowcount == len(rows)
    if all_new:
        return [[None] * len(job) for job in jobs]
    # Rare: a second attempt finds the entries of the first.
    return [[_other(connection, row) for row in job] for job in jobs]


def _other(connection: sqlite3.Connection, row: Row) -> str | None:
    """The stored body if it differs from this row's."""
    found = connection.execute(_STORED, row[:2]).fetchone()
    if found is None:
        raise sqlite3.DatabaseError("an entry was removed while it was written")
    return None if found[0] == row[2] else str(found[0])


def _batches(jobs: list[list[Row]]) -> Iterator[list[list[Row]]]:
    """Group jobs by statement; a job is never divided, so that it is written in full or not at all."""
    batch: list[list[Row]] = []
    for job in filter(None, jobs):
        if batch and sum(map(len, batch)) + len(job) > _ROWS_PER_STATEMENT:
            yield batch
            batch = []
        batch.append(job)
    if batch:
        yield batch


@functools.lru_cache(maxsize=2 * _ROWS_PER_STATEMENT)
def _insert(rows: int) -> str:
    # One text for each number of rows, so that the connection reuses the prepared statement.
    values = ", ".join(["(?, ?, ?)"] * rows)
    return f"INSERT INTO holdfast_log (session, seq, body) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608 - only marks
