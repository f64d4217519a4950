"""Making a backup as the settings say, for the command and for the schedule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.errors import MemoriesNotBackedUp

if TYPE_CHECKING:
    from holdfast_activities.state.backup.writing import Backup


async def make(settings: Settings) -> tuple[Backup, int]:
    """Write a backup into the folder, and delete those that are not kept; return it and how many were deleted.

    Raises:
        StateUnavailable: The database did not answer.
        StateNotMigrated: It has no tables.
        BackupFailed: The file could not be written.
        MemoriesNotBackedUp: The memories could not be read. The backup has the state database.
    """
    # Imported here: most workers make no backups.
    from holdfast_activities.memory.backup.reading import StoredMemories
    from holdfast_activities.memory.opening import open_unguarded
    from holdfast_activities.state.backup.folder import clear, thin
    from holdfast_activities.state.backup.writing import back_up

    folder, cipher = Path(settings.backup_folder), settings.cipher()
    memories = StoredMemories(
        lambda: open_unguarded(settings.memory(), settings.home, settings.state(), cipher), cipher
    )
    clear(folder)
    made = await back_up(settings.state(), folder, memories if settings.backup_memories else None)
    deleted = thin(folder, made.header.database, made.header.at, settings.backup_days)
    if made.problem:
        raise MemoriesNotBackedUp(f"{made.path.name}: {made.problem}")
    return made, deleted


async def scheduled(settings: Settings) -> int:
    """Make a backup; return the number of its rows. Raises as ``make``."""
    made, _ = await make(settings)
    return made.rows
