"""Making a backup as the settings say, for the command and for the schedule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from holdfast_workers.settings import Settings

if TYPE_CHECKING:
    from holdfast_activities.state.backup.writing import Backup


async def make(settings: Settings) -> tuple[Backup, int]:
    """Write a backup into the folder, and delete those that are not kept; return it and how many were deleted.

    Raises:
        StateUnavailable: The database did not answer.
        StateNotMigrated: It has no tables.
        BackupFailed: The file could not be written.
    """
    # Imported here: most workers make no backups.
    from holdfast_activities.state.backup.folder import thin
    from holdfast_activities.state.backup.writing import back_up

    folder = Path(settings.backup_folder)
    made = await back_up(settings.state(), folder)
    return made, thin(folder, made.header.database, made.header.at, settings.backup_days)


async def scheduled(settings: Settings) -> int:
    """Make a backup; return the number of its rows. Raises as ``make``."""
    made, _ = await make(settings)
    return made.rows
