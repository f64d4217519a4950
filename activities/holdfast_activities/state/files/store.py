"""Open a folder: alone, or to read while another process has it open."""

import asyncio
import logging
import os
import shutil
import sqlite3
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from holdfast_activities import clock
from holdfast_workflows.contracts.errors import HoldfastError, StateInUse, StateNotMigrated, StateUnavailable

from ..backup.file import PART, sync_folder
from ..migrations import REVISIONS, VERSION_TABLE
from ..setup.engines import unavailable
from ..setup.location import FileLocation, Location, SqliteLocation
from ..setup.migrate import upgrade_at
from .capture import OPEN, Capture, read_tables
from .journal import Journal
from .lines import Header
from .loading import Loaded, load
from .names import journal_path, journals, snapshots
from .snapshots import forget, thin, write_snapshot

_log: Final = logging.getLogger(__name__)

_ONE_AT_A_TIME: Final = threading.Lock()


class FileStore(Capture):
    """A folder that this process has open."""

    def __init__(self, location: FileLocation, lock: int, index: SqliteLocation, loaded: Loaded) -> None:
        connection = sqlite3.connect(index.path)
        tables = read_tables(connection, VERSION_TABLE)
        connection.close()
        self._location, self._lock_file, self._index = location, lock, index
        self._revision, self._saved = loaded.revision, loaded.snapshot
        self._saved_at, self._limit = clock.now(), location.snapshot_bytes
        self._header = Header(loaded.n + 1, loaded.revision, tables)
        if loaded.journal is None:
            journal = Journal.create(journal_path(location.folder, loaded.n + 1), self._header)
        else:
            journal = Journal(loaded.journal, loaded.n)
        super().__init__(tables, journal)
        self.uses = 1
        self._snapshots = threading.Lock()
        self._saving: threading.Thread | None = None

    def appended(self) -> None:
        """Begin a snapshot in the background if it is time."""
        due = clock.now() - self._saved_at >= self._location.snapshot_seconds
        if not due and self.journal.size < self._limit:
            return
        if self._saving is None or not self._saving.is_alive():
            self._saved_at = clock.now()
            self._saving = threading.Thread(target=self._save_quietly, name="holdfast-snapshot", daemon=True)
            self._saving.start()

    def save(self, *, again: bool = False) -> None:
        """Write a snapshot, only if ``again`` is set when the newest one has every commit; keep some older ones."""
        with self._snapshots:
            if not again and self.journal.n == self._saved and snapshots(self._location.folder):
                return
            folder, place = self._location.folder, self._location.place
            self._saved = asyncio.run(
                write_snapshot(folder, place, self._index, self._revision, self._rotate)
            )
            # A snapshot costs what the database has, so a large one is written less often.
            newest = snapshots(folder)[0].path.stat().st_size
            self._limit = max(self._location.snapshot_bytes, newest)
            self._saved_at = clock.now()
            thin(folder, self._location.keep)

    async def forget(self, *, again: bool = False) -> None:
        """Remove what was erased from the files: they become one new snapshot. ``again`` as for ``save``."""

        def run() -> None:
            self.save(again=again)
            with self._snapshots:
                forget(self._location.folder)

        await asyncio.to_thread(run)

    def close(self) -> None:
        """Write a snapshot, remove the index and unlock the folder."""
        if self._saving is not None:
            self._saving.join()
        try:
            self._save_quietly()
        finally:
            self.journal.close()
            shutil.rmtree(self._index.path.parent, ignore_errors=True)
            os.close(self._lock_file)

    def _rotate(self) -> int:
        with self.lock:
            n = self.journal.n
            path = journal_path(self._location.folder, n + 1)
            if path != self.journal.path:
                new = Journal.create(path, replace(self._header, first=n + 1))
                self.journal.close()
                self.journal = new
        return n

    def _save_quietly(self) -> None:
        try:
            self.save()
        except (HoldfastError, OSError, sqlite3.Error):
            _log.exception("No snapshot of %s was written; its journal goes on.", self._location.place)


@asynccontextmanager
async def opened(location: Location, *, migrate: bool) -> AsyncGenerator[FileStore | None]:
    """A file store that is open in the block; None for a database, and for a store that this process may only read."""
    store = await acquire(location, migrate=migrate)
    try:
        yield store
    finally:
        if store:
            await release(store)


async def acquire(location: Location, *, migrate: bool, take_lock: bool = True) -> FileStore | None:
    """Open a file store, or use it again; as ``opened``, but until ``release``.

    With ``migrate`` it is created if it is missing, and its tables are upgraded. Without, it may be open in another
    process; with ``take_lock`` off it must be.

    Raises:
        StateInUse: Another process has it open, and ``migrate`` is set.
        StateNotMigrated: It is missing, and ``migrate`` is off.
        StateDamaged: It cannot be loaded without losing commits.
        StateUnavailable: Its files cannot be read or written, or no process has it open and ``take_lock`` is off.
    """
    if not isinstance(location, FileLocation):
        return None
    with unavailable():
        return await asyncio.to_thread(_acquire, location, migrate, take_lock)


async def release(store: FileStore) -> None:
    """Close a store that is not used any more."""
    await asyncio.to_thread(_release, store)


def is_new(location: FileLocation) -> bool:
    """Whether the folder has no content."""
    return not snapshots(location.folder) and not journals(location.folder)


def _acquire(location: FileLocation, migrate: bool, take_lock: bool) -> FileStore | None:
    with _ONE_AT_A_TIME:
        found = OPEN.get(location.folder)
        if isinstance(found, FileStore):
            found.uses += 1
            return found
        if not migrate and is_new(location):
            raise StateNotMigrated(f"{location.folder} is empty or missing")
        location.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            lock = _locked(location)
        except StateInUse:
            if migrate or not location.path.exists():
                raise
            return None
        if not take_lock:
            os.close(lock)
            raise StateUnavailable("no worker has it open")
        try:
            store = asyncio.run(_load(location, lock, migrate))
        except BaseException:
            os.close(lock)
            raise
        OPEN[location.folder] = store
        return store


def _release(store: FileStore) -> None:
    with _ONE_AT_A_TIME:
        store.uses -= 1
        if not store.uses:
            [folder] = [folder for folder, each in OPEN.items() if each is store]
            del OPEN[folder]
            store.close()


def _locked(location: FileLocation) -> int:
    import fcntl  # not on Windows, where other stores work

    lock = os.open(location.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        other = os.read(lock, 20).decode(errors="replace").strip()
        os.close(lock)
        raise StateInUse(f"{location.place} is open in process {other}") from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


async def _load(location: FileLocation, lock: int, migrate: bool) -> FileStore:
    folder = location.path.parent
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    for path in location.folder.glob("*" + PART):
        path.unlink()
    # Under its name only when it is complete, since other processes may read it.
    new = SqliteLocation(folder / "loading.db", "OFF")
    loaded = await load(location.folder, new)
    before = loaded.revision if loaded else ""
    if migrate:
        await upgrade_at(new)
    if loaded is None:
        loaded = Loaded(0, 0, REVISIONS[-1])
    elif migrate and before in REVISIONS:
        loaded.revision = REVISIONS[-1]
    _rename(new.path, location.path)
    if loaded.revision != before:
        loaded.journal = None  # its first line has the columns of other tables
    store = FileStore(location, lock, SqliteLocation(location.path, "OFF"), loaded)
    if loaded.revision != before:
        await asyncio.to_thread(store.save)
    return store


def _rename(new: Path, path: Path) -> None:
    connection = sqlite3.connect(new)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    new.replace(path)
    sync_folder(path.parent)
