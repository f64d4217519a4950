"""Removal of old log files."""

import asyncio
import re
import time
from pathlib import Path

from holdfast_workflows.contracts.errors import SettingsInvalid

_NAME = re.compile(r".+\.log([.-].+)?")
"""``worker.log``, and what is rotated from it: ``worker.log.1``, ``worker.log.2026-11-01.gz``, ``worker.log-20261101``."""


async def remove_old_logs(folder: str, days: float) -> int:
    """Remove the log files of a folder that have not changed for so many days; return their number.

    Folders in it and links are left alone. Times are those of this machine.

    Raises:
        SettingsInvalid: It is not a folder, or a file cannot be removed.
    """
    return await asyncio.to_thread(_remove, Path(folder), time.time() - days * 86_400) if folder else 0


def _remove(folder: Path, before: float) -> int:
    count = 0
    try:
        for path in folder.iterdir():
            if not _NAME.fullmatch(path.name) or path.is_symlink() or not path.is_file():
                continue
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                count += 1
    except OSError as error:
        raise SettingsInvalid(f"log files in HOLDFAST_LOG_FOLDER={folder}: {error}") from error
    return count
