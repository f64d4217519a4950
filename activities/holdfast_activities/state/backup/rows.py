"""All tables of a state database, of any revision, as rows; and checksums that do not depend on their order."""

import base64
import hashlib
import json
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import Connection, MetaData, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ..migrations import REVISIONS, VERSION_TABLE
from ..setup.tables import METADATA

BATCH: Final = 100
"""Rows in memory at once: a row may be megabytes."""

_PREFIX: Final = "holdfast_"
_BYTES: Final = "base64"
_DIGITS: Final = 64


@dataclass
class Checksum:
    """The number of rows, and the sum of their SHA-256 hashes: two databases return rows in different orders."""

    rows: int = 0
    total: int = 0

    def add(self, lines: Iterable[bytes]) -> None:
        """Add encoded rows."""
        for line in lines:
            self.rows += 1
            self.total += int.from_bytes(hashlib.sha256(line).digest())

    @property
    def hex(self) -> str:
        """The sum in hexadecimal digits."""
        return f"{self.total % (1 << 4 * _DIGITS):0{_DIGITS}x}"


def encode(row: Sequence[Any]) -> bytes:
    """A row as a line of JSON, without its end."""
    return compact(list(row))


def compact(value: Any) -> bytes:
    """JSON of a value that may have bytes in it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_bytes).encode()


def decode(values: Sequence[Any]) -> list[Any]:
    """The values of an encoded row."""
    return [_value(each) for each in values]


def _value(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return base64.b64decode(cast("dict[str, str]", value)[_BYTES])


def _bytes(value: object) -> dict[str, str]:
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} has no form in a backup")
    return {_BYTES: base64.b64encode(value).decode()}


async def tables(connection: AsyncConnection, revision: str) -> dict[str, Table]:
    """The tables of a database at a revision, by name, without the one with the revision.

    Those of another version are read from the database, so that a backup has every column of any revision.
    """
    if revision == REVISIONS[-1]:
        return {name: METADATA.tables[name] for name in sorted(METADATA.tables)}

    def reflected(connection: Connection) -> MetaData:
        found = MetaData()
        found.reflect(connection, only=lambda name, _: name.startswith(_PREFIX) and name != VERSION_TABLE)
        return found

    metadata = await connection.run_sync(reflected)
    return {name: metadata.tables[name] for name in sorted(metadata.tables)}


@asynccontextmanager
async def snapshot(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
    """A connection that sees the database as it is at one moment, while others write."""
    async with engine.connect() as connection:
        postgres = engine.dialect.name == "postgresql"
        # The driver of SQLite does not begin a transaction before it reads.
        begin = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY" if postgres else "BEGIN"
        await connection.exec_driver_sql(begin)
        yield connection


async def read(
    connection: AsyncConnection, table: Table, columns: Sequence[str]
) -> AsyncGenerator[Sequence[Sequence[Any]]]:
    """The rows of a table in batches, in any order."""
    query = select(*(table.c[name] for name in columns)).execution_options(yield_per=BATCH)
    result = await connection.stream(query)
    async for rows in result.partitions(BATCH):
        yield rows
