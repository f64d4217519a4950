"""Migrate a state database to this version's tables."""

import asyncio
import logging
import threading
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from holdfast_workflows.contracts.errors import StateNotMigrated

from ..log.sqlite import prepare_file
from ..migrations import REVISIONS, VERSION_TABLE
from .engines import make_engine, unavailable
from .location import FileLocation, Location, SqliteLocation, locate_state
from .reaching import named

FOLDER = Path(__file__).parents[1] / "migrations"
"""The folder of Alembic's environment and revisions."""

_log = logging.getLogger(__name__)

# Alembic keeps state in module globals, so a process runs one upgrade at a time.
_one_at_a_time = threading.Lock()

_POSTGRES_LOCK = "SELECT pg_advisory_xact_lock(hashtext('holdfast state upgrade'))"


async def upgrade(url: str) -> None:
    """Create or upgrade the tables of a state database; harmless if they are current.

    Processes may do this concurrently: one works, the others wait for it. Raises as ``open_state``.
    """
    location = locate_state(url)
    with named(location):
        if isinstance(location, FileLocation):
            from ..files.store import opened  # not loaded by workers on a database

            async with opened(location, migrate=True):
                return
        await upgrade_at(location)


async def upgrade_at(location: Location, revision: str = REVISIONS[-1]) -> None:
    """Upgrade the tables at a location, to this version's or to an older revision."""
    if isinstance(location, SqliteLocation):
        await asyncio.to_thread(prepare_file, location)
    if not await _is_at(location, revision):

        def run() -> None:
            with _one_at_a_time:
                asyncio.run(_upgrade_alone(location, revision))

        # In a thread with an event loop of its own, since Alembic blocks.
        await asyncio.to_thread(run)


async def check(location: Location) -> None:
    """Raise StateNotMigrated if the tables are missing or older than this version's."""
    if isinstance(location, SqliteLocation) and not location.path.exists():
        raise StateNotMigrated(f"{location.path} does not exist")
    if not await _is_at(location, REVISIONS[-1]):
        raise StateNotMigrated


async def is_empty(url: str) -> bool:
    """Whether a state database has no tables, or its SQLite file does not exist. Raises as ``open_state``."""
    location = locate_state(url)
    if isinstance(location, FileLocation):
        from ..files.store import is_new  # not loaded by workers on a database

        return is_new(location)
    if isinstance(location, SqliteLocation) and not location.path.exists():
        return True
    with named(location):
        return await revision_of(location) is None


async def revision_of(location: Location) -> str | None:
    """The revision of the tables at a location; None without tables."""
    engine = make_engine(location)
    try:
        with unavailable():
            async with engine.connect() as connection:
                return await connection.run_sync(_read_revision)
    finally:
        await engine.dispose()


async def _is_at(location: Location, wanted: str) -> bool:
    revision = await revision_of(location)
    if revision is not None and revision not in REVISIONS:
        _log.warning(
            "The state database is at revision %s, newer than this version; it is used anyway, since revisions only add.",
            revision,
        )
        return True
    return revision is not None and REVISIONS.index(revision) >= REVISIONS.index(wanted)


def _read_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - a constant
    return None if found is None else str(found)


async def _upgrade_alone(location: Location, revision: str) -> None:
    engine = make_engine(location)
    # A second process waits at this statement, then finds nothing to do.
    lock = "BEGIN IMMEDIATE" if isinstance(location, SqliteLocation) else _POSTGRES_LOCK
    try:
        with unavailable():
            async with engine.begin() as connection:
                await connection.exec_driver_sql(lock)
                await connection.run_sync(run_alembic, revision)
    finally:
        await engine.dispose()


def run_alembic(connection: Connection, revision: str) -> None:
    """Upgrade the tables to a revision within the connection's transaction."""
    # Imported here because it is slow and most starts need no upgrade.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
