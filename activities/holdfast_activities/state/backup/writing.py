"""Make a backup of a state database while workers run."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from holdfast_activities import clock
from holdfast_workflows.contracts.errors import StateNotMigrated

from ..setup.engines import make_engine, unavailable
from ..setup.location import Location, SqliteLocation, locate_state
from ..setup.migrate import revision_of
from ..setup.reaching import named
from . import folder as backups
from . import rows
from .file import BackupWriter, Footer, Header


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made: its file, what it is of, and its size in rows and bytes."""

    path: Path
    header: Header
    rows: int
    bytes: int


async def back_up(url: str, folder: Path) -> Backup:
    """Write a backup of the state database at a URL into a folder.

    It is a copy of one moment, and workers go on. Content stays encrypted as it is in the database.

    Raises:
        StateUnavailable: The database did not answer.
        StateNotMigrated: It has no tables.
        BackupFailed: The file could not be written.
    """
    location = locate_state(url)
    with named(location):
        revision = await _revision(location)
        engine = make_engine(location)
        try:
            with unavailable():
                async with rows.snapshot(engine) as connection:
                    return await _write(connection, location.place, revision, folder)
        finally:
            await engine.dispose()


async def _revision(location: Location) -> str:
    missing = isinstance(location, SqliteLocation) and not location.path.exists()
    revision = None if missing else await revision_of(location)
    if revision is None:
        raise StateNotMigrated(f"{location.place} has no tables")
    return revision


async def _write(connection: AsyncConnection, place: str, revision: str, folder: Path) -> Backup:
    tables = await rows.tables(connection)
    database = (await connection.execute(text("SELECT id FROM holdfast_identity"))).scalar_one()
    header = Header(str(database), place, revision, clock.now())
    path = backups.path_of(folder, header.database, header.at)
    writer = await asyncio.to_thread(BackupWriter.open, path, header)
    try:
        for name, table in tables.items():
            columns = table.columns.keys()
            writer.table(name, columns)
            async for batch in rows.read(connection, table, columns):
                # Encoding and compressing must not block the event loop of a worker.
                await asyncio.to_thread(writer.rows, batch)
        footer: Footer = await asyncio.to_thread(writer.finish)
    except BaseException:
        writer.abandon()
        raise
    return Backup(path, header, footer.rows, path.stat().st_size)
