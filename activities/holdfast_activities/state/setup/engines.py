"""SQLAlchemy engines, for everything off the hot path."""

from __future__ import annotations  # asyncpg's classes are generic to type checkers only

import sqlite3
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from holdfast_workflows.contracts.errors import StateUnavailable

from .location import FileLocation, Location, PostgresLocation, SqliteLocation

if TYPE_CHECKING:
    import asyncpg

CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 30.0
"""Timeouts of a connection and of a statement on PostgreSQL, in seconds."""

_POOL = 4


@contextmanager
def unavailable() -> Generator[None]:
    """Turn drivers' exceptions into StateUnavailable."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise StateUnavailable(f"a text in it is damaged, restore a backup: {error}") from error
    except _driver_errors() as error:
        # The driver's own message: SQLAlchemy's has the statement and its values.
        own = error.orig.__cause__ or error.orig if isinstance(error, DBAPIError) and error.orig else error
        # The error of a server that does not answer in time has no message.
        raise StateUnavailable(f"{type(own).__name__}: {str(own) or 'no answer in time'}") from error


def _driver_errors() -> tuple[type[Exception], ...]:
    errors = (SQLAlchemyError, sqlite3.Error, OSError, TimeoutError)
    if "asyncpg" not in sys.modules:  # workers on SQLite do not load it
        return errors
    import asyncpg

    return (*errors, asyncpg.PostgresError, asyncpg.InterfaceError)


Verify = Callable[[Any], Coroutine[Any, Any, None]]
"""Checks a new connection, of asyncpg or its pool, and raises if it must not be used."""


def make_engine(location: Location, verify: Verify | None = None) -> AsyncEngine:
    """Make an engine for a location; it connects on first use."""
    if isinstance(location, SqliteLocation):
        return _sqlite(location)
    return _postgres(location, verify)


def _sqlite(location: SqliteLocation) -> AsyncEngine:
    options: dict[str, Any] = {"timeout": location.busy_seconds}
    if isinstance(location, FileLocation):
        from ..files.capture import connect  # not loaded by workers on a database

        options["factory"] = partial(connect, location.folder)
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(location.path)), connect_args=options
    )

    def configure(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA synchronous = {location.synchronous}")
        cursor.execute("PRAGMA secure_delete = ON")  # overwrite erased data in the file
        cursor.close()

    event.listen(engine.sync_engine, "connect", configure)
    return engine


def _postgres(location: PostgresLocation, verify: Verify | None) -> AsyncEngine:
    import asyncpg  # not loaded by workers on SQLite

    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        # asyncpg parses the URL, so that its options have the same meaning as for the log's pool.
        connection = await asyncpg.connect(
            location.dsn, timeout=CONNECT_SECONDS, command_timeout=COMMAND_SECONDS
        )
        try:
            if verify is not None:
                await verify(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    # pool_pre_ping replaces connections that a restart of the server broke.
    return create_async_engine(
        "postgresql+asyncpg://", async_creator=connect, pool_size=_POOL, max_overflow=0, pool_pre_ping=True
    )
