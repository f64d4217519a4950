"""Transactions off the hot path, through SQLModel.

A writing transaction begins with its write. In SQLite a transaction that read first cannot become a writer
while another process writes; in PostgreSQL the write locks the row that is then read and changed.
"""

from __future__ import annotations  # the PostgreSQL dialect is loaded only on PostgreSQL

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from .engines import unavailable
from .file_watch import FileWatch

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


class Transactions:
    """Transactions of an engine of either database."""

    def __init__(self, engine: AsyncEngine, watch: FileWatch | None = None) -> None:
        self._engine = engine
        self._watch = watch
        self._postgres = engine.dialect.name == "postgresql"

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[AsyncSession]:
        """A transaction: committed at the end, rolled back on an exception.

        Raises:
            StateUnavailable: The database did not answer.
            StateReplaced: Its file was deleted or replaced.
        """
        if self._watch is not None:
            self._watch.check()
        with unavailable():
            async with AsyncSession(self._engine, expire_on_commit=False) as db, db.begin():
                yield db

    def insert(self, table: type[SQLModel], values: Mapping[str, Any]) -> postgresql.Insert | sqlite.Insert:
        """An insert that supports ``on_conflict_…``."""
        if self._postgres:
            from sqlalchemy.dialects import postgresql  # slow to load, and not needed on SQLite

            return postgresql.insert(table).values(**values)
        return sqlite.insert(table).values(**values)

    async def add_once(self, row: SQLModel) -> None:
        """Insert a row unless its key exists, in a transaction of its own."""
        async with self.begin() as db:
            await db.exec(self.insert(type(row), row.model_dump()).on_conflict_do_nothing())

    async def scrub(self) -> None:
        """Remove deleted data from SQLite's files; PostgreSQL does so automatically.

        SQLite overwrites deleted data (``secure_delete``), but until a checkpoint it can still be read in
        the write-ahead log or the file.
        """
        if self._engine.dialect.name != "sqlite":
            return
        with unavailable():
            async with self._engine.connect() as connection:
                await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()
