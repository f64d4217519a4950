"""The tables of the SQLite file, and how it is opened.

A record's number is its tenant's number times 2**32 plus a count, and is never reused. Records and vectors of a
tenant are therefore adjacent, and newer ones have higher numbers.

Postings are our own table, not FTS5. FTS5's BM25 counts the documents of all tenants, so one tenant's words would
change another's scores, and deleted text stays readable in its segments until they are merged.
"""

import sqlite3
import time
from pathlib import Path
from typing import Literal, TypeAlias

from holdfast_activities.state.log.sqlite import switch_to_wal
from holdfast_workflows.contracts.errors import MemoryUnavailable

from .connection import Connection

Synchronous: TypeAlias = Literal["FULL", "NORMAL"]
"""FULL survives a power cut, NORMAL only a process crash."""

FORMAT = 2
"""``user_version`` of a file that this code reads; format 1 existed during development only."""

PAGE_BYTES = 8_192
"""Two vectors of 1,536 dimensions (3 KB each) fit a page; with the usual 4 KB a quarter would be wasted."""

CACHE_KIB = 16_384
"""Page cache of a connection; SQLite's default of 2 MB is too small for the postings of one common term."""

VECTORS = "(number INTEGER PRIMARY KEY, value BLOB NOT NULL)"

_TABLES = (
    # One row. ``migration`` counts migrations, so that each notices a later one.
    """CREATE TABLE collection (
        one INTEGER PRIMARY KEY CHECK (one = 1), model TEXT NOT NULL, dimension INTEGER NOT NULL,
        begun INTEGER NOT NULL, generation INTEGER NOT NULL, migration INTEGER NOT NULL,
        indexing INTEGER NOT NULL DEFAULT 0)""",
    "INSERT INTO collection VALUES (1, '', 0, 0, 0, 0, 0)",
    # ``version`` counts changes of a tenant's vectors and filter columns; ``removed`` is the version of the last
    # deletion; ``documents`` and ``length`` are for BM25.
    """CREATE TABLE tenants (
        number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL DEFAULT 0, removed INTEGER NOT NULL DEFAULT 0,
        made INTEGER NOT NULL DEFAULT 0, records INTEGER NOT NULL DEFAULT 0,
        documents INTEGER NOT NULL DEFAULT 0, length INTEGER NOT NULL DEFAULT 0)""",
    # Filter columns come before the texts: SQLite reads a row up to the last column it needs.
    """CREATE TABLE records (
        number INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, changed INTEGER NOT NULL,
        scope TEXT NOT NULL, kind TEXT NOT NULL, session TEXT NOT NULL, topic TEXT NOT NULL,
        superseded_by TEXT NOT NULL, at REAL NOT NULL, expires REAL NOT NULL, place INTEGER NOT NULL,
        id TEXT NOT NULL, speaker TEXT NOT NULL, importance REAL NOT NULL, trust TEXT NOT NULL,
        sources TEXT NOT NULL, used REAL NOT NULL, uses INTEGER NOT NULL, words TEXT NOT NULL,
        text TEXT NOT NULL, UNIQUE (tenant, id))""",
    "CREATE INDEX records_changed ON records (tenant, changed)",
    "CREATE INDEX records_said ON records (tenant, session, place)",
    "CREATE INDEX records_about ON records (tenant, topic) WHERE topic <> ''",
    "CREATE INDEX records_expire ON records (tenant, expires) WHERE expires > 0",
    "CREATE INDEX records_counted ON records (kind, superseded_by)",
    f"CREATE TABLE vectors {VECTORS}",
    f"CREATE TABLE upcoming {VECTORS}",
    """CREATE TABLE postings (
        tenant INTEGER NOT NULL, term TEXT NOT NULL, number INTEGER NOT NULL, often INTEGER NOT NULL,
        length INTEGER NOT NULL, PRIMARY KEY (tenant, term, number)) WITHOUT ROWID""",
)


def connect(path: Path, synchronous: Synchronous, busy_seconds: float) -> sqlite3.Connection:
    """Open a connection to the file."""
    connection = sqlite3.connect(
        path,
        timeout=busy_seconds,
        isolation_level=None,  # transactions are explicit
        check_same_thread=False,  # it may be closed by another thread than the one that uses it
    )
    # These two affect only a new file.
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    # Erased data is also overwritten in the file.
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def prepare(path: Path, synchronous: Synchronous, busy_seconds: float) -> None:
    """Create the file with its folder and tables if necessary.

    Raises:
        MemoryUnavailable: It cannot be written, has another format, or its file system does not support WAL.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = connect(path, synchronous, busy_seconds)
        try:
            mode = switch_to_wal(connection, time.monotonic() + busy_seconds)
            format_ = _make_tables(connection)
        finally:
            connection.close()
    except (OSError, sqlite3.Error) as error:
        raise MemoryUnavailable(f"{path}: {error}") from error
    if mode != "wal":
        raise MemoryUnavailable(
            f"{path}: this file system does not support a write-ahead log; use a local disk"
        )
    if format_ != FORMAT:
        raise MemoryUnavailable(
            f"{path}: its format is {format_}, and this version reads {FORMAT}; move the file away to begin "
            "without memories, or use the version that wrote it"
        )


def _make_tables(connection: sqlite3.Connection) -> int:
    """Create the tables in an empty file; return the file's format."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        format_ = int(connection.execute("PRAGMA user_version").fetchone()[0])
        empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        if format_ == 0 and empty:
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
            format_ = FORMAT
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return format_


def size(connection: Connection) -> int:
    """Return the bytes of the file, without its write-ahead log."""
    [pages] = connection.execute("PRAGMA page_count").fetchone()
    return int(pages) * PAGE_BYTES


def tidy(connection: Connection) -> int:
    """Return unused pages to the file system; return their bytes."""
    before = size(connection)
    # Each step of the statement releases one page; only a script is stepped to its end.
    assert isinstance(connection, sqlite3.Connection)
    connection.executescript("PRAGMA incremental_vacuum")
    checkpoint(connection)
    return before - size(connection)


def checkpoint(connection: Connection) -> None:
    """Copy the write-ahead log into the file, and truncate it."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
