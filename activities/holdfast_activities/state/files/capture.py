"""Connections to the index that write a transaction's changes to the journal before they commit it.

Temporary triggers note which rows a transaction changes. At its commit the rows are read, written to the journal and
flushed; then SQLite commits. So whatever another connection can see is on disk, and what was rolled back is not. A
crash between the two leaves a commit in the journal that was not acknowledged, as with any database.
"""

import sqlite3
import threading
from pathlib import Path
from typing import Any, Final, Self

from holdfast_workflows.contracts.errors import StateInUse

from .journal import Journal
from .lines import Changed, Changes, Columns

_PREFIX: Final = "holdfast_"


class Capture:
    """The tables of an index, and the journal of its commits.

    ``lock`` is taken after SQLite's own lock of writers, and orders commits with rotations of the journal.
    """

    def __init__(self, tables: dict[str, Columns], journal: Journal) -> None:
        self.tables = tables
        self.journal = journal
        self.lock = threading.RLock()
        self.names = tuple(tables)
        self.script = _script(tables)
        self.queries: list[tuple[str, str]] = [
            _queries(number, name, each) for number, (name, each) in enumerate(tables.items())
        ]

    def connect(self, *arguments: Any, **named: Any) -> sqlite3.Connection:
        """Open a connection whose commits are captured."""
        return _Captured(self, *arguments, **named)

    def appended(self) -> None:
        """Called after each commit."""


OPEN: Final = dict[Path, Capture]()
"""The stores that this process has open, by their folder."""


def connect(folder: Path, *arguments: Any, **named: Any) -> sqlite3.Connection:
    """Open a connection to the index of a folder: captured in the process that has the store open, else to read."""
    capture = OPEN.get(folder)
    return capture.connect(*arguments, **named) if capture else _Reading(*arguments, **named)


def read_tables(connection: sqlite3.Connection, skip: str) -> dict[str, Columns]:
    """The tables of an index without the table ``skip``."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    names = [name for (name,) in connection.execute(query) if name.startswith(_PREFIX) and name != skip]
    found: dict[str, Columns] = {}
    for name in names:
        rows = connection.execute("SELECT name, pk FROM pragma_table_info(?)", (name,)).fetchall()
        key = sorted((pk, column) for column, pk in rows if pk)
        found[name] = Columns(tuple(column for column, _ in rows), tuple(column for _, column in key))
    return found


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        # The driver begins transactions only for statements that start with a verb of writing.
        own = self.connection.isolation_level is None
        if sql.startswith("WITH") and not own and not self.connection.in_transaction:
            super().execute("BEGIN")
        return super().execute(sql, parameters)


class _Captured(sqlite3.Connection):
    def __init__(self, capture: Capture, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._capture = capture
        self.executescript(capture.script)
        self._seen = self.total_changes

    def cursor(self, *_: Any) -> sqlite3.Cursor:  # type: ignore[override]
        return super().cursor(_Cursor)

    def commit(self) -> None:
        """Write the transaction's changes to the journal, then commit."""
        if self.total_changes == self._seen:
            super().commit()
            return
        changes = self._changes()
        self._seen = self.total_changes
        if not changes:
            super().commit()
            return
        with self._capture.lock:
            self._capture.journal.append(changes)
            try:
                super().commit()
            except BaseException:
                self._capture.journal.take_back()
                raise
        self._capture.appended()

    def _changes(self) -> Changes:
        found: Changes = {}
        numbers: list[int] = [
            number for (number,) in self.execute("SELECT DISTINCT tbl FROM changed ORDER BY tbl")
        ]
        for number in numbers:
            removed, written = self._capture.queries[number]
            changed: Changed = {}
            found[self._capture.names[number]] = changed
            if rows := self.execute(removed).fetchall():
                changed["removed"] = rows
            if rows := self.execute(written).fetchall():
                changed["written"] = rows
        if numbers:
            self.execute("DELETE FROM changed")
        return found


class _ReadingCursor(sqlite3.Cursor):
    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        try:
            return super().execute(sql, parameters)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_READONLY:
                raise
            raise StateInUse("only the process that has it open may write") from error


class _Reading(sqlite3.Connection):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        super().execute("PRAGMA query_only = ON")

    def cursor(self, *_: Any) -> sqlite3.Cursor:  # type: ignore[override]
        return super().cursor(_ReadingCursor)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run a statement by a cursor of this class."""
        return self.cursor().execute(sql, parameters)


def _script(tables: dict[str, Columns]) -> str:
    most = max(len(each.key) for each in tables.values())
    keys = "".join(f", k{n}" for n in range(most))
    return "\n".join(
        [
            "PRAGMA temp_store = MEMORY;",
            f"CREATE TEMP TABLE changed (tbl INTEGER, row INTEGER{keys});",
            *(each for number, name in enumerate(tables) for each in _triggers(number, name, tables[name])),
        ]
    )


def _triggers(number: int, name: str, table: Columns) -> list[str]:
    into = "".join(f", k{n}" for n in range(len(table.key)))
    old = "".join(f', OLD."{column}"' for column in table.key)
    key = ", ".join(f'"{column}"' for column in table.key)
    moved = " OR ".join(f'OLD."{column}" IS NOT NEW."{column}"' for column in table.key)
    wrote = f"INSERT INTO changed (tbl, row) VALUES ({number}, NEW.rowid)"  # noqa: S608 - names of tables
    removed = f"INSERT INTO changed (tbl{into}) VALUES ({number}{old})"  # noqa: S608 - names of tables
    events = (
        ("INSERT", "", wrote),
        ("UPDATE", "", wrote),
        (f"UPDATE OF {key}", f" WHEN {moved}", removed),
        ("DELETE", "", removed),
    )
    return [
        f"CREATE TEMP TRIGGER t{number}_{n} AFTER {event} ON main.{name}{when} BEGIN {statement}; END;"
        for n, (event, when, statement) in enumerate(events)
    ]


def _queries(number: int, name: str, table: Columns) -> tuple[str, str]:
    """The statements for the removed keys and the written rows of a table."""
    keys = ", ".join(f"k{n}" for n in range(len(table.key)))
    columns = ", ".join(f'"{column}"' for column in table.columns)
    removed = f"SELECT DISTINCT {keys} FROM changed WHERE tbl = {number} AND row IS NULL"  # noqa: S608 - constants
    written = (
        f"SELECT {columns} FROM main.{name} WHERE rowid IN (SELECT row FROM changed WHERE tbl = {number})"  # noqa: S608 - constants
    )
    return removed, written
