"""Write a snapshot while others write, and delete what is not kept."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

from ..backup.folder import check
from ..backup.rows import snapshot
from ..backup.writing import abandoned, begin, write_tables
from ..setup.engines import make_engine
from ..setup.location import SqliteLocation
from .names import DAMAGED, journals, snapshot_path, snapshots


async def write_snapshot(
    folder: Path, place: str, index: SqliteLocation, revision: str, rotate: Callable[[], int]
) -> int:
    """Write a snapshot; return the number of the last commit in it.

    ``rotate`` begins a new journal and returns that number. It is called while no other connection can commit.
    """
    engine = make_engine(index)
    # Not a transaction that writes: it only keeps others from committing.
    writer = sqlite3.connect(index.path, timeout=index.busy_seconds, isolation_level=None)
    try:
        writer.execute("BEGIN IMMEDIATE")
        async with snapshot(engine) as connection:
            await connection.exec_driver_sql(
                "SELECT count(*) FROM holdfast_identity"
            )  # what it sees begins here
            n = rotate()
            writer.execute("ROLLBACK")
            file, _ = await begin(
                connection, place, revision, lambda header: snapshot_path(folder, n, header.at)
            )
            with abandoned(file):
                await write_tables(connection, file, revision)
                await asyncio.to_thread(file.finish)
    finally:
        writer.close()
        await engine.dispose()
    return n


def thin(folder: Path, keep: int) -> None:
    """Delete all but the newest snapshots, and the journals that those do not need."""
    kept = snapshots(folder)[:keep]
    for each in snapshots(folder)[keep:]:
        each.path.unlink()
    for each in journals(folder):
        if kept and each.n <= kept[-1].n:
            each.path.unlink()


def forget(folder: Path) -> None:
    """Delete all that is older than the newest snapshot, once that was read.

    Raises:
        BackupDamaged: The newest snapshot is damaged.
    """
    check(snapshots(folder)[0].path)
    thin(folder, 1)
    for path in folder.glob("*" + DAMAGED):
        path.unlink()
