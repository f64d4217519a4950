"""The CSV file as a SQLite database on disk, built once and reused until the file changes."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import uuid
from contextlib import closing
from itertools import islice
from pathlib import Path

from holdfast import ToolError

from .kinds import Column
from .reading import Layout, find_layout, read_rows

TABLE = "data"
"""The name of the table that holds the file's rows."""

_BATCH = 5_000


def quoted(name: str) -> str:
    """Quote any name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def database(data: Path, cache: Path) -> Path:
    """The database of a CSV file: table ``data``, with ``_columns`` and ``_notes`` about it.

    Raises:
        ToolError: The file does not exist or cannot be read as CSV.
    """
    try:
        state = data.stat()
    except OSError as error:
        raise ToolError(f"the data file {data.name} cannot be read: {error.strerror}") from error
    mark = f"{data.resolve()}\0{state.st_size}\0{state.st_mtime_ns}"
    made = cache / f"{hashlib.sha256(mark.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}.sqlite"
    if not made.exists():
        cache.mkdir(parents=True, exist_ok=True)
        # Built under another name and renamed: another worker may build it too, or this one may die.
        draft = cache / f".{uuid.uuid4().hex}.tmp"
        try:
            _build(data, draft)
            draft.replace(made)
        finally:
            draft.unlink(missing_ok=True)
    return made


def _build(data: Path, target: Path) -> None:
    layout = find_layout(data)
    columns = [Column(decimal_comma=layout.delimiter == ";") for _ in layout.names]
    ragged = 0
    for row in read_rows(data, layout):
        ragged += len(row) != len(columns)
        for column, cell in zip(columns, row, strict=False):
            column.see(cell)
    with closing(sqlite3.connect(target)) as db:
        db.execute("PRAGMA journal_mode=OFF")
        db.execute("CREATE TABLE _columns (position INTEGER PRIMARY KEY, name TEXT, kind TEXT)")
        db.execute("CREATE TABLE _notes (note TEXT)")
        kinds = [
            (i, name, column.kind) for i, (name, column) in enumerate(zip(layout.names, columns, strict=True))
        ]
        db.executemany("INSERT INTO _columns VALUES (?, ?, ?)", kinds)
        db.executemany("INSERT INTO _notes VALUES (?)", [(note,) for note in _notes(layout, ragged)])
        if columns:
            _fill(db, data, layout, columns)
        db.commit()
    _sync(target)


def _fill(db: sqlite3.Connection, data: Path, layout: Layout, columns: list[Column]) -> None:
    names = ", ".join(quoted(name) for name in layout.names)
    # Without declared types SQLite keeps each value as it is given.
    db.execute(f"CREATE TABLE {TABLE} ({names})")
    insert = f"INSERT INTO {TABLE} VALUES ({', '.join('?' * len(columns))})"
    rows = read_rows(data, layout)
    while batch := list(islice(rows, _BATCH)):
        padded = (row + [""] * (len(columns) - len(row)) for row in batch)
        db.executemany(
            insert, [[c.value(cell) for c, cell in zip(columns, row, strict=False)] for row in padded]
        )


def _notes(layout: Layout, ragged: int) -> list[str]:
    notes: list[str] = []
    if layout.names and not layout.header:
        notes.append("The file has no header; its columns are numbered.")
    if ragged:
        notes.append(
            f"{ragged:,} rows have more or fewer cells than the header; missing ones are empty, others ignored."
        )
    if layout.encoding == "cp1252":
        notes.append("The file is not UTF-8; it was read as Windows-1252.")
    return notes


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
