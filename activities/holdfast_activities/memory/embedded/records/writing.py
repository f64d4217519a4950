"""Insert, change and delete records, within a transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from holdfast_activities.state.encryption.cipher import Cipher
from holdfast_workflows.contracts.text.unicode import clean

from ...base import Record
from .. import words
from ..connection import Connection, marks, portions
from . import tenants
from .rows import COLUMNS, NAMES, Row, decode, encode
from .tenants import Tenant

_OLD = f"""SELECT number, value, {COLUMNS} FROM records LEFT JOIN vectors USING (number)
    WHERE tenant = ? AND id IN"""  # noqa: S608 - fixed names
_INSERT = (
    f"INSERT INTO records (number, tenant, changed, {COLUMNS}) VALUES ({', '.join('?' * (3 + len(NAMES)))})"  # noqa: S608 - fixed names
)
_UPDATE = f"UPDATE records SET ({COLUMNS}) = ({', '.join('?' * len(NAMES))}) WHERE number = ?"  # noqa: S608 - fixed names
_VECTOR = """INSERT INTO vectors (number, value) VALUES (?, ?)
    ON CONFLICT (number) DO UPDATE SET value = excluded.value"""
_WORDS = NAMES.index("words")
_TABLES = ("vectors", "upcoming", "records")

Change: TypeAlias = Callable[[Record], Record]

Put: TypeAlias = tuple[Row, bytes | None]
"""A record's row and its vector."""


def put(connection: Connection, name: str, puts: Sequence[Put]) -> None:
    """Insert or replace records by id.

    Raises:
        BadInput: The tenant's name is invalid.
    """
    tenant = tenants.make(connection, name)
    version = tenant.version + 1
    new: list[tuple[int, Row, bytes | None]] = []
    # By id: of duplicates, the last one counts.
    different = {put[0][0]: put for put in puts}
    before = {
        row[2]: row
        for some in portions(different)
        for row in connection.execute(f"{_OLD} ({marks(some)})", (tenant.number, *some))
    }
    for row, value in different.values():
        old = before.get(row[0])
        if old is None:
            new.append((tenant.next_number(), row, value))
        elif _replace(connection, tenant, old, (row, value), version):
            tenant.version = version
    if new:
        _insert(connection, tenant, new, version)
        tenant.version = version
    tenants.save(connection, tenant)


def remove(connection: Connection, tenant: Tenant, found: Sequence[tuple[int, str]]) -> int:
    """Delete records by number and words; return how many."""
    if not found:
        return 0
    words.remove(connection, tenant, found)
    numbers = [(number,) for number, _ in found]
    for table in _TABLES:
        connection.executemany(f"DELETE FROM {table} WHERE number = ?", numbers)  # noqa: S608 - fixed names
    tenant.records -= len(found)
    tenant.version += 1
    tenant.removed = tenant.version
    tenants.save(connection, tenant)
    return len(found)


def touch(connection: Connection, tenant: Tenant, ids: Iterable[str], now: float) -> None:
    """Record a use. No search or filter reads it, so the version stays."""
    for some in portions(dict.fromkeys(ids)):
        connection.execute(
            f"UPDATE records SET used = ?, uses = uses + 1 WHERE tenant = ? AND id IN ({marks(some)})",  # noqa: S608 - only marks
            (now, tenant.number, *some),
        )


def reword(connection: Connection, tenant: Tenant, texts: Mapping[str, str]) -> None:
    """Set the words of records by id. No vector or filter depends on them, so the version stays."""
    for id, text in texts.items():
        found = connection.execute(
            "SELECT number, words FROM records WHERE tenant = ? AND id = ?", (tenant.number, id)
        ).fetchone()
        if found is not None:
            words.remove(connection, tenant, [(found[0], found[1])])
            words.index(connection, tenant, [(found[0], clean(text))])
            connection.execute("UPDATE records SET words = ? WHERE number = ?", (clean(text), found[0]))
    tenants.save(connection, tenant)


def rewrite(
    connection: Connection, tenant: Tenant, ids: Iterable[str], change: Change, cipher: Cipher
) -> None:
    """Change records by id; those that were deleted stay so. Vectors are sealed again by ``cipher``."""
    version = tenant.version + 1
    for some in portions(dict.fromkeys(ids)):
        rows = connection.execute(f"{_OLD} ({marks(some)})", (tenant.number, *some)).fetchall()
        for old in rows:
            value = None if old[1] is None else cipher.seal(cipher.unseal(old[1]))
            if _replace(connection, tenant, old, (encode(change(decode(old[2:]))), value), version):
                tenant.version = version
    tenants.save(connection, tenant)


def delete(connection: Connection, tenant: Tenant, ids: Iterable[str]) -> int:
    """Delete records by id; return how many existed."""
    found = [
        (number, text)
        for some in portions(dict.fromkeys(ids))
        for number, text in connection.execute(
            f"SELECT number, words FROM records WHERE tenant = ? AND id IN ({marks(some)})",  # noqa: S608 - only marks
            (tenant.number, *some),
        )
    ]
    return remove(connection, tenant, found)


def erase(connection: Connection, tenant: Tenant) -> int:
    """Delete a tenant. Its number is never reused, so a later tenant of its name cannot hit its cached data."""
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table} WHERE number >= ? AND number < ?", tenant.range())  # noqa: S608 - fixed names
    connection.execute("DELETE FROM postings WHERE tenant = ?", (tenant.number,))
    connection.execute("DELETE FROM tenants WHERE number = ?", (tenant.number,))
    return tenant.records


def _insert(
    connection: Connection,
    tenant: Tenant,
    new: Sequence[tuple[int, Row, bytes | None]],
    version: int,
) -> None:
    connection.executemany(_INSERT, ((number, tenant.number, version, *row) for number, row, _ in new))
    connection.executemany(_VECTOR, ((number, value) for number, _, value in new if value is not None))
    words.index(connection, tenant, ((number, str(row[_WORDS])) for number, row, _ in new))
    tenant.records += len(new)


def _replace(connection: Connection, tenant: Tenant, old: Sequence[Any], new: Put, version: int) -> bool:
    """Update a row; return whether it changed."""
    number, old_value, *rest = old
    before: Row = tuple(rest)
    row, value = new
    if row != before:
        connection.execute(_UPDATE, (*row, number))
    if row[_WORDS] != before[_WORDS]:
        words.remove(connection, tenant, [(number, str(before[_WORDS]))])
        words.index(connection, tenant, [(number, str(row[_WORDS]))])
    if value is None:
        connection.execute("DELETE FROM vectors WHERE number = ?", (number,))
    elif value != old_value:
        connection.execute(_VECTOR, (number, value))
    changed = value != old_value or row != before
    if changed:
        connection.execute("UPDATE records SET changed = ? WHERE number = ?", (version, number))
        # A running migration must embed it again.
        connection.execute("DELETE FROM upcoming WHERE number = ?", (number,))
    return changed
