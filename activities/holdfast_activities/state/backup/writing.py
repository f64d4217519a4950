"""Make a backup of a state database while workers run."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from holdfast_activities import clock
from holdfast_workflows.contracts.errors import BackupFailed, HoldfastError, StateNotMigrated

from ..setup.engines import make_engine, unavailable
from ..setup.location import FileLocation, Location, SqliteLocation, locate_state
from ..setup.migrate import revision_of
from ..setup.reaching import named
from . import folder as backups
from . import rows
from .file import MEMORIES, BackupWriter, Footer, Header, MemoryPart
from .memories import COLUMNS, MemorySource


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made: its file, what it is of, and its size in rows and bytes."""

    path: Path
    header: Header
    rows: int
    bytes: int
    memories: int = 0
    problem: str = ""
    """Why the memories are not in it."""


async def back_up(url: str, folder: Path, memories: MemorySource | None = None) -> Backup:
    """Write a backup of the state database at a URL, and of the memories, into a folder.

    It is a copy of one moment, and workers go on. Content stays encrypted as it is in the database. The memories are
    read after that moment, so they have every change that the database says was applied. If they cannot be read, the
    backup has the state database only, and ``problem`` says why.

    Raises:
        StateUnavailable: The database did not answer.
        StateNotMigrated: It has no tables.
        BackupFailed: The file could not be written.
    """
    location = locate_state(url)
    if isinstance(location, FileLocation):
        from ..files.store import opened  # not loaded by workers on a database

        with named(location):
            async with opened(location, migrate=False):
                return await _back_up(location, folder, memories)
    return await _back_up(location, folder, memories)


async def _back_up(location: Location, folder: Path, memories: MemorySource | None) -> Backup:
    with named(location):
        revision = await _revision(location)
        engine = make_engine(location)
        try:
            with unavailable():
                async with rows.snapshot(engine) as connection:
                    writer, header = await begin(
                        connection,
                        location.place,
                        revision,
                        lambda header: backups.path_of(folder, header.database, header.at),
                    )
                    with abandoned(writer):
                        await write_tables(connection, writer, revision)
        finally:
            await engine.dispose()
    with abandoned(writer):
        return await _finish(writer, header, folder, memories)


@contextmanager
def abandoned(writer: BackupWriter) -> Generator[None]:
    """Remove the incomplete file if the block does not end."""
    try:
        yield
    except BaseException:
        writer.abandon()
        raise


async def _revision(location: Location) -> str:
    if isinstance(location, SqliteLocation) and not location.path.exists():
        raise StateNotMigrated(f"{location.place}: there is no such file")
    revision = await revision_of(location)
    if revision is None:
        raise StateNotMigrated(f"{location.place} has no tables")
    return revision


async def begin(
    connection: AsyncConnection, place: str, revision: str, path_of: Callable[[Header], Path]
) -> tuple[BackupWriter, Header]:
    """Begin a file of what a connection sees. Raises BackupFailed."""
    # A file store has a snapshot before it has an identity.
    database = (await connection.execute(text("SELECT id FROM holdfast_identity"))).scalar() or ""
    header = Header(str(database), place, revision, clock.now())
    return await asyncio.to_thread(BackupWriter.open, path_of(header), header), header


async def write_tables(connection: AsyncConnection, writer: BackupWriter, revision: str) -> None:
    """Write the rows of all tables. Raises BackupFailed."""
    for name, table in (await rows.tables(connection, revision)).items():
        columns = table.columns.keys()
        writer.table(name, columns)
        async for batch in rows.read(connection, table, columns):
            # Encoding and compressing must not block the event loop of a worker.
            await asyncio.to_thread(writer.rows, batch)


async def _finish(
    writer: BackupWriter, header: Header, folder: Path, memories: MemorySource | None
) -> Backup:
    part, problem = None, ""
    if memories is not None:
        try:
            part = await _write_memories(writer, memories)
        except BackupFailed:
            raise
        except HoldfastError as error:
            # Without the memories the state database is worth keeping all the same.
            problem = str(error)
    path = backups.path_of(folder, header.database, header.at, whole=not problem)
    writer.rename(path)
    footer: Footer = await asyncio.to_thread(writer.finish, part, problem)
    return Backup(path, header, footer.rows, path.stat().st_size, footer.memory_rows, problem)


async def _write_memories(writer: BackupWriter, memories: MemorySource) -> MemoryPart | None:
    writer.table(MEMORIES, COLUMNS)
    async with aclosing(memories.pages()) as pages:
        async for page in pages:
            await asyncio.to_thread(writer.rows, page)
    return memories.part()
