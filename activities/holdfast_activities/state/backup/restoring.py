"""Restore a backup into an empty database of either kind."""

import asyncio
import filecmp
import os
import shutil
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Table, insert, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from holdfast_workflows.contracts.errors import (
    BackupDamaged,
    BackupMissing,
    BackupUnreadable,
    StateInUse,
    StateNotEmpty,
    StateUnavailable,
)

from ..migrations import REVISIONS
from ..setup.engines import make_engine, unavailable
from ..setup.location import FileLocation, Location, SqliteLocation, locate_state
from ..setup.migrate import revision_of, upgrade_at
from ..setup.reaching import named
from . import rows
from .file import MEMORIES, PART, Footer, Header, Part, TableRows, read_backup, sync_folder, writing
from .folder import check
from .memories import MemoryRows, RestoreMemories

_SUFFIXES = ("", "-wal", "-shm")

T = TypeVar("T")


async def restore(path: Path, url: str, memories: RestoreMemories | None = None) -> tuple[Header, Footer]:
    """Restore a backup into the database at a URL, which must be empty or missing, and its memories into a store.

    The database has all of the backup or nothing of it. It gets the tables of this version. Memories come first, so
    a restore that was interrupted is repeated.

    Raises:
        BackupDamaged: The file is damaged, or the restored rows are not those of the backup.
        BackupUnreadable: A newer version of Holdfast made it.
        StateNotEmpty: The database has content.
        StateInUse: Another process restores it, or has the file store open.
        StateUnavailable: The database did not answer.
        MemoriesNotEmpty: The store has memories that the backup does not have.
        MemoryFailed: The store failed.
    """
    location = locate_state(url)
    # Before the database: the checksum comes last, and damaged rows may not even fit the tables.
    header, footer = await asyncio.to_thread(check, path)
    _check_revision(path, header)
    with named(location):
        if memories is not None and footer.memories is not None:
            if isinstance(location, FileLocation):
                _refuse_folder(path, header.at, location)
            else:
                await _refuse_content(location)
            await memories(footer.memories, MemoryRows(path).pages)
        if isinstance(location, FileLocation):
            await _into_folder(path, header.at, location)
            return header, footer
        if isinstance(location, SqliteLocation):
            return await _into_file(path, location)
        return await fill(path, location)


async def restore_memories(path: Path, memories: RestoreMemories) -> tuple[Header, int]:
    """Restore the memories of a backup only; return how many there are.

    Raises:
        BackupMissing: It has no memories.
        BackupDamaged: The file is damaged, or the restored memories are not those of the backup.
        MemoriesNotEmpty: The store has memories that the backup does not have.
        MemoryFailed: The store failed.
    """
    header, footer = await asyncio.to_thread(check, path)
    if footer.memories is None:
        raise BackupMissing(f"{path} has no memories{footer.problem and f': {footer.problem}'}")
    return header, await memories(footer.memories, MemoryRows(path).pages)


def _check_revision(path: Path, header: Header) -> None:
    if header.revision not in REVISIONS:
        raise BackupUnreadable(f"{path} has tables of revision {header.revision}")


def _refuse_folder(path: Path, at: float, location: FileLocation) -> Path:
    """The path of the backup as the first snapshot.

    Raises StateNotEmpty, unless a restore of the same backup was interrupted.
    """
    from ..files.loading import only_begun  # not loaded for databases
    from ..files.names import journals, snapshot_path, snapshots

    new, kept = snapshot_path(location.folder, 0, at), journals(location.folder)
    found = [each.path for each in snapshots(location.folder)]
    if kept and not only_begun(kept):
        raise StateNotEmpty(location.place)
    if (kept and not found) or (found and (found != [new] or not filecmp.cmp(path, new, shallow=False))):
        raise StateNotEmpty(location.place)
    return new


async def _refuse_content(location: Location) -> None:
    """Raise StateNotEmpty before anything is written."""
    if isinstance(location, SqliteLocation) and not location.path.exists():
        return
    if await revision_of(location) is None:
        return
    if isinstance(location, SqliteLocation):
        raise StateNotEmpty(location.place)
    engine = make_engine(location)
    try:
        with unavailable():
            async with engine.connect() as connection:
                await _refuse_rows(connection, location.place, await rows.tables(connection, ""))
    finally:
        await engine.dispose()


async def _refuse_rows(connection: AsyncConnection, place: str, tables: dict[str, Table]) -> None:
    for table in tables.values():
        if (await connection.execute(select(literal(1)).select_from(table).limit(1))).first():
            raise StateNotEmpty(place)


async def _into_folder(path: Path, at: float, location: FileLocation) -> None:
    """Make the backup the first snapshot of a file store, load it, and write it again without memories."""
    from ..files.store import opened  # not loaded for databases

    with _alone(location.folder.with_name(location.folder.name + ".restoring"), location.place):
        new = _refuse_folder(path, at, location)
        try:
            await asyncio.to_thread(_copy, path, new)
            async with opened(location, migrate=True) as store:
                assert store is not None
                await store.forget(again=True)
        except StateInUse:
            raise  # a worker was started in between, and has loaded it
        except BaseException:
            new.unlink(missing_ok=True)
            raise


def _copy(path: Path, new: Path) -> None:
    with writing(new):
        new.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = new.with_name(new.name + PART)
        with (
            path.open("rb") as source,
            os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
        ):
            shutil.copyfileobj(source, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(new)
        sync_folder(new.parent)


async def _into_file(path: Path, location: SqliteLocation) -> tuple[Header, Footer]:
    """Restore into a new file, which then takes its name."""
    await _refuse_content(location)
    new = location.path.with_name(location.path.name + ".restoring")
    with _alone(new, location.place):
        _remove(new)
        try:
            # Not flushed row by row: the whole file is, before it gets its name.
            found = await fill(path, SqliteLocation(new, "NORMAL", location.busy_seconds))
            await _refuse_content(location)  # a worker may have been started in between
            await asyncio.to_thread(_take_name, new, location.path)
        finally:
            _remove(new)
    return found


@contextmanager
def _alone(new: Path, place: str) -> Generator[None]:
    """Restore alone: another process would remove the file that this one fills.

    Raises:
        StateInUse: Another process restores it.
        StateUnavailable: The folder cannot be written.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    path = new.with_name(new.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StateUnavailable(f"{place}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StateInUse(f"another process restores {place}") from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)


def _take_name(new: Path, path: Path) -> None:
    connection = sqlite3.connect(new)
    try:
        # Only the file is renamed, so nothing may be left in its write-ahead log.
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.close()
    if busy:
        raise StateUnavailable(f"{new} is used by another process")
    descriptor = os.open(new, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    _remove(path)
    new.replace(path)
    sync_folder(path.parent)


def _remove(path: Path) -> None:
    for suffix in _SUFFIXES:
        Path(f"{path}{suffix}").unlink(missing_ok=True)


async def fill(path: Path, location: Location, *, upgrade: bool = True) -> tuple[Header, Footer]:
    """Restore into the empty tables at a location, and upgrade them to this version's. Raises as ``restore``."""
    parts = read_backup(path)
    header = await _next(parts)
    assert isinstance(header, Header)
    _check_revision(path, header)
    # Rows fit the tables of their own revision; the upgrade that follows changes both.
    await upgrade_at(location, header.revision)
    engine = make_engine(location)
    try:
        with unavailable():
            async with engine.begin() as connection:
                footer = await _fill(connection, location.place, parts, header.revision)
    finally:
        await engine.dispose()
    if upgrade:
        await upgrade_at(location)
    return header, footer


async def _fill(connection: AsyncConnection, place: str, parts: Generator[Part], revision: str) -> Footer:
    tables = await rows.tables(connection, revision)
    if connection.dialect.name == "postgresql":  # alone: a second restore waits, then finds rows
        await connection.execute(text("LOCK TABLE holdfast_identity IN SHARE ROW EXCLUSIVE MODE"))
    await _refuse_rows(connection, place, tables)
    columns: dict[str, tuple[str, ...]] = {}
    while (part := await _next(parts)) is not None:
        if isinstance(part, TableRows):
            if part.table == MEMORIES:
                continue
            columns[part.table] = part.columns
            values = [dict(zip(part.columns, row, strict=True)) for row in part.rows]
            await connection.execute(insert(tables[part.table]), values)
        elif isinstance(part, Footer):
            await _compare(connection, tables, columns, part)
            return part
    raise BackupDamaged("it has no last line")


async def _compare(
    connection: AsyncConnection, tables: dict[str, Table], columns: dict[str, tuple[str, ...]], footer: Footer
) -> None:
    """Read what was written, before it is committed.

    Raises:
        BackupDamaged: The rows are not those of the backup.
    """
    for name, expected in footer.tables.items():
        if name == MEMORIES:
            continue
        found = rows.Checksum()
        if name in columns:
            async for batch in rows.read(connection, tables[name], columns[name]):
                await asyncio.to_thread(found.add, map(rows.encode, batch))
        if (found.rows, found.hex) != expected:
            raise BackupDamaged(f"{name}: the {found.rows:,} restored rows are not those of the backup")


async def _next(parts: Generator[T]) -> T | None:
    """The next part, read and decompressed in a thread."""
    return await asyncio.to_thread(next, parts, None)
