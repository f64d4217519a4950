"""Embedding everything anew: new vectors gather beside the old ones and take their place at once."""

import sqlite3
from collections.abc import Sequence

from holdfast_workflows.contracts.errors import MemoryFailed

from ..base import Collection
from .schema import VECTORS

BATCH = 256
"""Texts that are embedded together."""

Text = tuple[int, int, str]
"""A record's number, at which version it last changed, and its text."""

_PENDING = """SELECT number, changed, text FROM records
    WHERE number > ? AND NOT EXISTS (SELECT 1 FROM upcoming WHERE upcoming.number = records.number)
    ORDER BY number LIMIT ?"""

# A record that changed or went since its text was read is left for the next round.
_ADD = "INSERT OR REPLACE INTO upcoming SELECT number, ? FROM records WHERE number = ? AND changed = ?"


def start(connection: sqlite3.Connection) -> int:
    """Begin a migration; its number. What one that was killed has left is dropped."""
    _empty_upcoming(connection)
    connection.execute("UPDATE collection SET migration = migration + 1")
    [number] = connection.execute("SELECT migration FROM collection").fetchone()
    return int(number)


def pending(connection: sqlite3.Connection, after: int) -> list[Text]:
    """Some texts of records that have no new vector, with numbers above ``after``."""
    return connection.execute(_PENDING, (after, BATCH)).fetchall()


def add(connection: sqlite3.Connection, migration: int, batch: Sequence[tuple[Text, bytes]]) -> None:
    """Keep new vectors."""
    _check(connection, migration)
    connection.executemany(_ADD, [(value, number, changed) for (number, changed, _), value in batch])


def switch(connection: sqlite3.Connection, migration: int, collection: Collection) -> int | None:
    """Let the new vectors take the place of the old ones, unless some record still has none; how many there are."""
    _check(connection, migration)
    if collection.dimension and connection.execute(_PENDING, (-1, 1)).fetchone():
        return None
    [count] = connection.execute("SELECT count(*) FROM upcoming").fetchone()
    connection.execute("DROP TABLE vectors")
    connection.execute("ALTER TABLE upcoming RENAME TO vectors")
    connection.execute(f"CREATE TABLE upcoming {VECTORS}")
    connection.execute(
        "UPDATE collection SET model = ?, dimension = ?, begun = 1, generation = generation + 1",
        (collection.model, collection.dimension),
    )
    return int(count)


def _empty_upcoming(connection: sqlite3.Connection) -> None:
    # Dropping a table is quicker than deleting its rows.
    connection.execute("DROP TABLE upcoming")
    connection.execute(f"CREATE TABLE upcoming {VECTORS}")


def _check(connection: sqlite3.Connection, migration: int) -> None:
    [newest] = connection.execute("SELECT migration FROM collection").fetchone()
    if newest != migration:
        raise MemoryFailed("another migration has begun since; this one has changed nothing")
