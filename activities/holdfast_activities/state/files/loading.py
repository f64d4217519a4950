"""Make the index of a folder from the newest good snapshot and the commits that follow it."""

import logging
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast_workflows.contracts.errors import BackupDamaged, BackupUnreadable, StateDamaged

from ..backup.restoring import fill
from ..backup.rows import decode
from ..migrations import REVISIONS
from ..setup.location import SqliteLocation
from ..setup.migrate import upgrade_at
from .lines import Changes, Columns, Commit, Header, read_journal
from .names import DAMAGED, Numbered, journals, snapshots

_log: Final = logging.getLogger(__name__)


@dataclass
class Loaded:
    """What the index has: the commits up to ``n``, ``snapshot`` of which are in a snapshot; tables of a revision.

    ``journal`` is the file to which the next commit can be appended; else None.
    """

    n: int
    snapshot: int
    revision: str
    journal: Path | None = None


async def load(folder: Path, index: SqliteLocation) -> Loaded | None:
    """Fill an index that does not exist yet; None if the folder has no content.

    Raises:
        StateDamaged: Commits are missing or damaged, or no snapshot is good.
        BackupUnreadable: A newer version of Holdfast wrote a file.
    """
    found, kept = snapshots(folder), journals(folder)
    if not found and (not kept or only_begun(kept)):
        return None
    for each in found:
        try:
            header, _ = await fill(each.path, index, upgrade=False)
        except BackupDamaged as error:
            _remove(index.path)
            damaged = each.path.rename(each.path.with_name(each.path.name + DAMAGED))
            _log.warning("%s; it is now %s, and an older snapshot is used.", error.detail, damaged.name)
            continue
        loaded = Loaded(each.n, each.n, header.revision)
        await _replay(folder, index, loaded, kept, alone=len(found) == 1 and not kept)
        return loaded
    raise StateDamaged(f"{folder} has no good snapshot")


async def _replay(
    folder: Path, index: SqliteLocation, loaded: Loaded, kept: Sequence[Numbered], *, alone: bool
) -> None:
    """Make the commits after the snapshot. ``alone`` allows a snapshot that was copied without a journal."""
    following = [each for each in kept if each.n > loaded.snapshot]
    if alone and loaded.snapshot:
        _log.warning(
            "%s has one snapshot and no journal, so writes after commit %d are lost if there were any. "
            "This is right only for a snapshot that was copied or restored there.",
            folder,
            loaded.snapshot,
        )
    if not alone and (not following or following[0].n != loaded.snapshot + 1):
        raise StateDamaged(f"{folder}: the journal with commit {loaded.snapshot + 1:,} is missing")
    for each in following:
        last = each is following[-1]
        torn = await _replay_file(index, loaded, each.path)
        if torn and not last:
            raise StateDamaged(f"{each.path}: its last line is damaged, and other journals follow")
        if torn:
            _cut(each.path, torn)
        loaded.journal = each.path


async def _replay_file(index: SqliteLocation, loaded: Loaded, path: Path) -> int:
    """Make the commits of a file; return the bytes of a last line that was not written in full."""
    lines = read_journal(path)
    header = next(lines)
    assert isinstance(header, Header)
    if header.first > loaded.n + 1:
        raise StateDamaged(f"{path.parent}: commits {loaded.n + 1:,} to {header.first - 1:,} are missing")
    if header.revision != loaded.revision:
        if header.revision not in REVISIONS:
            raise BackupUnreadable(f"{path} has tables of revision {header.revision}")
        await upgrade_at(index, header.revision)
        loaded.revision = header.revision
    connection = sqlite3.connect(index.path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    try:
        connection.execute("BEGIN")
        while True:
            commit = next(lines)
            assert isinstance(commit, Commit)
            if commit.n <= loaded.n:
                continue
            if commit.n != loaded.n + 1:
                raise StateDamaged(f"{path}: commit {loaded.n + 1:,} is missing before {commit.n:,}")
            _make(connection, header.tables, commit.changes)
            loaded.n = commit.n
    except StopIteration as end:
        connection.execute("COMMIT")
        torn: int = end.value
        return torn
    except (sqlite3.Error, KeyError) as error:
        raise StateDamaged(f"{path}: commit {loaded.n + 1:,} does not fit the tables: {error}") from error
    finally:
        connection.close()


def _make(connection: sqlite3.Connection, tables: dict[str, Columns], changes: Changes) -> None:
    # Removals first: a row that was removed and written again is in both.
    for name, changed in changes.items():
        if rows := changed.get("removed"):
            where = " AND ".join(f'"{column}" = ?' for column in tables[name].key)
            connection.executemany(f"DELETE FROM {name} WHERE {where}", map(decode, rows))  # noqa: S608 - names of tables
    for name, changed in changes.items():
        if rows := changed.get("written"):
            columns = tables[name].columns
            into, marks = ", ".join(f'"{each}"' for each in columns), ", ".join("?" * len(columns))
            statement = f"INSERT OR REPLACE INTO {name} ({into}) VALUES ({marks})"  # noqa: S608 - names of tables
            connection.executemany(statement, map(decode, rows))


def only_begun(kept: Sequence[Numbered]) -> bool:
    """Whether a first start ended before the first snapshot, which is written before the first commit."""
    return [each.n for each in kept] == [1] and len(list(read_journal(kept[0].path))) == 1


def _cut(path: Path, torn: int) -> None:
    """Remove a last line that was not written in full, so that further lines can follow."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        size = os.fstat(descriptor).st_size - torn
        os.ftruncate(descriptor, size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    _log.warning(
        "%s: its last %d bytes are not a whole commit and were cut off, as after a crash.", path, torn
    )


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
