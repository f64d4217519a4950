"""Embed everything again: new vectors are collected in a second table and replace the old ones at once."""

from collections.abc import Sequence
from typing import NamedTuple

from holdfast_workflows.contracts.errors import MemoryFailed

from ...base import Collection
from ..connection import Connection, marks, portions

BATCH = 256
"""Texts that are embedded together."""


class Text(NamedTuple):
    """A record's number, at which version it last changed, its id, its text as stored, and its tenant."""

    number: int
    changed: int
    id: str
    text: str
    tenant: str


_PENDING = """SELECT number, changed, id, text, (SELECT name FROM tenants WHERE tenants.number = records.tenant)
    FROM records
    WHERE number > ? AND NOT EXISTS (SELECT 1 FROM upcoming WHERE upcoming.number = records.number)
    ORDER BY number LIMIT ?"""

# A record that changed since its text was read is embedded in the next round.
_UNCHANGED = "SELECT number, changed FROM records WHERE number IN"
_ADD = """INSERT INTO upcoming (number, value) VALUES (?, ?)
    ON CONFLICT (number) DO UPDATE SET value = excluded.value"""


def start(connection: Connection) -> int:
    """Begin a migration and return its number. Drops what an interrupted one left."""
    connection.execute("DELETE FROM upcoming")
    connection.execute("UPDATE collection SET migration = migration + 1")
    [number] = connection.execute("SELECT migration FROM collection").fetchone()
    return int(number)


def pending(connection: Connection, after: int) -> list[Text]:
    """Return a batch of records without a new vector, with numbers above ``after``."""
    return [Text(*row) for row in connection.execute(_PENDING, (after, BATCH))]


def add(connection: Connection, migration: int, batch: Sequence[tuple[Text, bytes]]) -> None:
    """Store new vectors."""
    _check(connection, migration)
    numbers = [text.number for text, _ in batch]
    now = {
        number: changed
        for some in portions(numbers)
        for number, changed in connection.execute(f"{_UNCHANGED} ({marks(some)})", some)
    }
    connection.executemany(
        _ADD, [(text.number, value) for text, value in batch if now.get(text.number) == text.changed]
    )


def switch(connection: Connection, migration: int, collection: Collection) -> int | None:
    """Replace the old vectors and return how many; None while a record has no new vector."""
    _check(connection, migration)
    if collection.dimension and connection.execute(_PENDING, (-1, 1)).fetchone():
        return None
    [count] = connection.execute("SELECT count(*) FROM upcoming").fetchone()
    # Row by row, not by renaming tables: in PostgreSQL readers that began before would see the new one.
    connection.execute("DELETE FROM vectors")
    connection.execute("INSERT INTO vectors (number, value) SELECT number, value FROM upcoming")
    connection.execute("DELETE FROM upcoming")
    connection.execute(
        "UPDATE collection SET model = ?, dimension = ?, begun = 1, generation = generation + 1",
        (collection.model, collection.dimension),
    )
    return int(count)


def _check(connection: Connection, migration: int) -> None:
    [newest] = connection.execute("SELECT migration FROM collection").fetchone()
    if newest != migration:
        raise MemoryFailed("another migration has started; this one changed nothing")
