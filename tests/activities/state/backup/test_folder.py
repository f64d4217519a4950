"""A folder of backups: the newest good one, and which are kept."""

import os
import shutil
from pathlib import Path

import pytest

from holdfast_activities.state.backup.folder import DAY, HOUR, clear, dated, newest_good, path_of, thin
from holdfast_activities.state.backup.writing import back_up
from holdfast_workflows.contracts.errors import BackupMissing

DATABASE = "0123abcd" * 4
NOW = 1_790_000_000.0


def make(folder: Path, *ages: float) -> None:
    folder.mkdir(exist_ok=True)
    for age in ages:
        path_of(folder, DATABASE, NOW - age).touch()


def ages(folder: Path) -> list[float]:
    return [NOW - each.at for each in dated(folder)]


def test_old_backups_become_fewer_with_their_age(folder: Path) -> None:
    every_ten_minutes = [minutes * 60.0 for minutes in range(0, 20 * 24 * 60, 10)]
    make(folder, *every_ten_minutes)
    thin(folder, DATABASE, NOW, days=14)
    kept = ages(folder)
    assert sum(age < 2 * HOUR for age in kept) == 12
    assert 22 <= sum(2 * HOUR <= age < DAY for age in kept) <= 23
    assert 13 <= sum(age >= DAY for age in kept) <= 14
    assert max(kept) <= 14 * DAY
    assert thin(folder, DATABASE, NOW, days=14) == 0


def test_the_newest_backup_is_kept_however_old(folder: Path) -> None:
    make(folder, 100 * DAY, 200 * DAY)
    thin(folder, DATABASE, NOW, days=14)
    assert ages(folder) == [100 * DAY]


def test_backups_of_other_databases_and_other_files_stay(folder: Path) -> None:
    make(folder, 0, 100 * DAY)
    (folder / "notes.txt").touch()
    assert thin(folder, "f" * 32, NOW, days=14) == 0
    assert len(list(folder.iterdir())) == 3


def test_what_killed_backups_left_is_deleted_before_the_next_one(folder: Path) -> None:
    make(folder, 0)
    left, written = (folder / f"{path_of(folder, DATABASE, NOW - age).name}.1f.part" for age in (DAY, 60))
    for path in (left, written):
        path.touch()
    os.utime(left, (1.0, 1.0))
    clear(folder)
    assert set(folder.iterdir()) == {path_of(folder, DATABASE, NOW), written}


async def test_the_newest_good_backup_is_found_behind_damaged_ones(sound: str, folder: Path) -> None:
    made = await back_up(sound, folder)
    later = path_of(folder, made.header.database, made.header.at + 60)
    shutil.copy(made.path, later)
    assert newest_good(folder) == (later, [])
    later.write_bytes(later.read_bytes()[:-1])
    path, damaged = newest_good(folder)
    assert path == made.path
    assert str(later) in damaged[0]


def test_a_folder_without_a_good_backup_is_an_error(folder: Path) -> None:
    make(folder, 0)
    with pytest.raises(BackupMissing, match="1 damaged, none good"):
        newest_good(folder)
