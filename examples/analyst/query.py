"""SELECT statements from a model, run so that they can only read, and not for long."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from holdfast import ToolError
from holdfast_workflows.contracts.text.unicode import clean, dump_json, preview

from .kinds import Value

MAX_ROWS = 200
MAX_SECONDS = 5.0
MAX_BYTES = 24_000
"""Of rows: a longer result reaches the model without its middle."""

ALL = 1_000_000
"""Bytes enough for what does not go to a model."""

_MAX_CELL = 500
_MAX_TEXT = 1_000_000
_MAX_SQL = 20_000
_CHECK_EVERY = 5_000  # virtual machine steps; well under a millisecond

_ALLOWED = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_HIDDEN = ("sqlite_", "pragma_")


@dataclass(frozen=True)
class Rows:
    """What a query gave; ``truncated`` if there was more than the limit."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    truncated: bool


def select(
    database: Path, sql: str, *, limit: int = MAX_ROWS, seconds: float = MAX_SECONDS, room: int = MAX_BYTES
) -> Rows:
    """Run one SELECT; its first ``limit`` rows, as many as fit into ``room`` bytes.

    Three locks: the file is opened read-only, an authorizer refuses every action but reading,
    and only one statement is run.

    Raises:
        ToolError: It is not one SELECT, it is wrong, or it took too long.
    """
    if len(sql) > _MAX_SQL:
        raise ToolError(f"the query has {len(sql):,} characters; at most {_MAX_SQL:,} are taken")
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as db:
        _lock(db)
        db.set_progress_handler(_deadline(seconds), _CHECK_EVERY)
        try:
            cursor = db.execute(clean(sql))
            if cursor.description is None:
                raise ToolError("only a SELECT statement is taken")
            found = cursor.fetchmany(limit + 1)
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise ToolError(_reason(db, error, seconds)) from error
        columns = tuple(column[0] for column in cursor.description)
    rows = _that_fit(found[:limit], room)
    return Rows(columns, rows, len(found) > len(rows))


def _that_fit(found: list[tuple[object, ...]], room: int) -> tuple[tuple[Value, ...], ...]:
    rows: list[tuple[Value, ...]] = []
    for row in found:
        shown = tuple(_shown(value) for value in row)
        room -= len(dump_json(shown).encode())
        if room < 0 and rows:
            break
        rows.append(shown)
    return tuple(rows)


def _lock(db: sqlite3.Connection) -> None:
    db.set_authorizer(_authorize)
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_TEXT)
    db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)


def _authorize(action: int, first: str | None, second: str | None, _db: str | None, _by: str | None) -> int:
    if action not in _ALLOWED:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_READ and (first or "").lower().startswith(_HIDDEN):
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() == "load_extension":
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _deadline(seconds: float) -> Callable[[], int]:
    end = time.monotonic() + seconds
    return lambda: int(time.monotonic() > end)


def _reason(db: sqlite3.Connection, error: Exception, seconds: float) -> str:
    text = preview(str(error))
    if "interrupted" in text:
        return f"the query took over {seconds:g} seconds; ask for less"
    if "authoriz" in text or "prohibited" in text:
        return "only a SELECT that reads the table data is allowed"
    if "no such column" in text:
        # The deadline may have passed already, and naming the columns takes no time.
        db.set_progress_handler(None, 0)
        names = [row[0] for row in db.execute("SELECT name FROM _columns ORDER BY position LIMIT 60")]
        return f"{text}; the columns are: {', '.join(names)}"
    return text


def _shown(value: object) -> Value:
    if isinstance(value, bytes):
        return f"({len(value):,} bytes)"
    if isinstance(value, str):
        return value if len(value) <= _MAX_CELL else value[: _MAX_CELL - 1] + "…"
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (int, float)) else None
