"""Transactions off the hot path, through SQLModel.

A writing transaction begins with its write. In SQLite a transaction that read first cannot become a writer
while another process writes; in PostgreSQL the write locks the row that is then read and changed.
"""

from __future__ import annotations  # the PostgreSQL dialect is loaded only on PostgreSQL

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ColumnElement, Insert, delete, false, func, inspect
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.dml import UpdateBase
from sqlmodel import SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from .engines import unavailable
from .file_watch import FileWatch

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

    from ..files.store import FileStore

T = TypeVar("T")
Row = TypeVar("Row", bound=SQLModel)


class Transactions:
    """Transactions of an engine of either database.

    Every method that uses the database raises StateUnavailable if it did not answer, and StateReplaced if
    its file was deleted or replaced.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        watch: FileWatch | None = None,
        store: FileStore | None = None,
        *,
        reading: bool = False,
    ) -> None:
        """``store`` is closed with the connections. ``reading`` refuses writes, which its owner makes."""
        self.engine = engine
        self.reading = reading
        self._watch = watch
        self._store = store
        self._postgres = engine.dialect.name == "postgresql"

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[AsyncSession]:
        """A transaction: committed at the end, rolled back on an exception."""
        if self._watch is not None:
            self._watch.check()
        with unavailable():
            async with AsyncSession(self.engine, expire_on_commit=False) as db, db.begin():
                yield db

    async def lock(self, db: AsyncSession, table: type[SQLModel]) -> None:
        """Make a transaction wait for all others that lock the same table; it is its first statement."""
        if self._postgres:
            name = str(inspect(table).local_table)
            await db.exec(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
        else:  # removes nothing, but makes the transaction a writer, of which there is one at a time
            await db.exec(delete(table).where(false()))

    async def get(self, table: type[Row], key: object) -> Row | None:
        """Read a row by its primary key."""
        async with self.begin() as db:
            return await db.get(table, key)

    async def all(self, query: SelectOfScalar[T]) -> list[T]:
        """Run a query in a transaction of its own."""
        async with self.begin() as db:
            return list(await db.exec(query))

    async def one(self, query: SelectOfScalar[T]) -> T | None:
        """Run a query with at most one result in a transaction of its own."""
        async with self.begin() as db:
            return (await db.exec(query)).one_or_none()

    async def write(self, statement: UpdateBase) -> int:
        """Run a statement in a transaction of its own; return the number of rows changed."""
        async with self.begin() as db:
            return (await db.exec(statement)).rowcount

    def insert(self, table: type[SQLModel], values: Mapping[str, Any]) -> Insert:
        """An insert that does nothing if the key exists."""
        return self._insert(table, values).on_conflict_do_nothing()

    def upsert(
        self,
        table: type[SQLModel],
        values: Mapping[str, Any],
        changes: Mapping[str, Any],
        where: ColumnElement[bool] | None = None,
    ) -> Insert:
        """An insert that makes ``changes`` if the key exists, and ``where`` holds."""
        return self._insert(table, values).on_conflict_do_update(
            index_elements=list(inspect(table).primary_key), set_=changes, where=where
        )

    def _insert(self, table: type[SQLModel], values: Mapping[str, Any]) -> postgresql.Insert | sqlite.Insert:
        if self._postgres:
            from sqlalchemy.dialects import postgresql  # slow to load, and not needed on SQLite

            return postgresql.insert(table).values(**values)
        return sqlite.insert(table).values(**values)

    async def scrub(self) -> None:
        """Remove deleted data from SQLite's files; PostgreSQL does so automatically.

        SQLite overwrites deleted data (``secure_delete``), but until a checkpoint it can still be read in
        the write-ahead log or the file.
        """
        if self._postgres:
            return
        with unavailable():
            async with self.engine.connect() as connection:
                await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        if self._store:
            await self._store.forget()

    async def close(self) -> None:
        """Close the connections."""
        await self.engine.dispose()
        if self._store:
            from ..files.store import release  # not loaded by workers on a database

            store, self._store = self._store, None
            await release(store)
