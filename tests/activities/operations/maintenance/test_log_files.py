"""Old log files are removed, and nothing else."""

import os
import time
from pathlib import Path

import pytest

from holdfast_activities.operations.maintenance.log_files import remove_old_logs
from holdfast_workflows.contracts.errors import SettingsInvalid

OLD = time.time() - 31 * 86_400


def file(folder: Path, name: str, at: float = OLD) -> Path:
    path = folder / name
    path.write_text("x")
    os.utime(path, (at, at))
    return path


async def test_old_log_files_are_removed_and_others_stay(tmp_path: Path) -> None:
    for name in ("worker.log", "worker.log.3", "worker.log.2026-01-01.gz", "worker.log-20260101"):
        file(tmp_path, name)
    target = file(tmp_path, "target")
    (tmp_path / "link.log").symlink_to(target)
    (tmp_path / "folder.log").mkdir()
    kept = {"target", "link.log", "folder.log", "new.log", "state.db", "logbook"}
    for name in ("state.db", "logbook"):
        file(tmp_path, name)
    file(tmp_path, "new.log", time.time() - 29 * 86_400)
    assert await remove_old_logs(str(tmp_path), 30.0) == 4
    assert {path.name for path in tmp_path.iterdir()} == kept


async def test_without_a_folder_nothing_is_removed_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    assert await remove_old_logs("", 30.0) == 0
    with pytest.raises(SettingsInvalid, match="HOLDFAST_LOG_FOLDER"):
        await remove_old_logs(str(tmp_path / "missing"), 30.0)
