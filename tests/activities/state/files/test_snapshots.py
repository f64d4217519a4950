"""Snapshots: when they are written, how many are kept, what they leave, and backups of a file store."""

import asyncio
import itertools
import shutil
from pathlib import Path

import pytest

from holdfast_activities import clock
from holdfast_activities.state import is_empty, open_state, upgrade
from holdfast_activities.state.backup.restoring import restore
from holdfast_activities.state.backup.writing import back_up
from holdfast_activities.state.files.names import snapshot_path
from holdfast_workflows.contracts.errors import StateInUse, StateNotEmpty
from holdfast_workflows.contracts.session.entries import UserEntry

from .conftest import journal, read, snapshots, write


async def snapshots_of(state_url: str, folder: Path) -> int:
    """Write two entries, the second when the journal is full or old; the snapshots after it."""
    state = await open_state(state_url)
    before = set(snapshots(folder))
    await state.log.settle("s", [UserEntry(seq=1, text="1")])
    async with asyncio.timeout(20):
        while set(snapshots(folder)) == before:
            await asyncio.sleep(0.02)
            await state.log.settle("s", [UserEntry(seq=2, text="2")])
    found = len(set(snapshots(folder)) - before)
    await state.close()
    return found


async def test_a_full_journal_is_followed_by_a_snapshot(url: str, folder: Path) -> None:
    assert await snapshots_of(f"{url}?snapshot_bytes=1", folder)
    assert await read(url) == ["1", "2"]


async def test_an_old_journal_is_followed_by_a_snapshot(
    url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upgrade(url)
    times = itertools.count(clock.now(), 1_000.0)
    monkeypatch.setattr(clock, "now", lambda: next(times))
    assert await snapshots_of(url, folder)


async def test_as_many_snapshots_are_kept_as_the_url_says_with_their_journals(url: str, folder: Path) -> None:
    for n in range(1, 5):
        await write(f"{url}?keep=2", str(n))
    _, newest = snapshots(folder)
    assert len(list(folder.glob("journal-*"))) == 2
    newest.write_bytes(b"")
    assert await read(url) == ["1", "2", "3", "4"]


async def test_a_stopped_store_has_no_index_and_nothing_to_replay(url: str, folder: Path) -> None:
    await write(url, "1")
    assert len(journal(folder).read_bytes().splitlines()) == 1
    assert not (folder / "index").exists()


async def test_what_was_erased_is_in_no_file(url: str, folder: Path) -> None:
    await write(url, "1234567")
    state = await open_state(url)
    await state.open_session("s", "a", "d", "acme")
    await state.log.settle("s", [UserEntry(seq=2, text="1234567")])
    await state.erasing.session("s", 5.0)
    await state.erasing.scrub()
    held = [path for path in folder.rglob("*") if path.is_file() and b"1234567" in path.read_bytes()]
    assert held == []
    assert len(snapshots(folder)) == 1
    await state.close()
    assert await read(url) == []


async def test_an_interrupted_restore_is_repeated_and_two_at_once_do_not_mix(
    url: str, folder: Path, tmp_path: Path
) -> None:
    await write(url, "1")
    made = await back_up(url, tmp_path / "backups")
    new = tmp_path / "new"
    ended = await asyncio.gather(
        *(restore(made.path, f"file:{new}") for _ in range(2)), return_exceptions=True
    )
    assert [type(each) for each in ended if isinstance(each, BaseException)] == [StateInUse]
    assert await read(f"file:{new}") == ["1"]
    # As a restore leaves it that is killed while it loads.
    killed = tmp_path / "killed"
    killed.mkdir()
    shutil.copy(made.path, snapshot_path(killed, 0, made.header.at))
    await restore(made.path, f"file:{killed}")
    assert await read(f"file:{killed}") == ["1"]
    with pytest.raises(StateNotEmpty):
        await restore(made.path, f"file:{killed}")


async def test_a_backup_is_restored_from_files_to_a_database_and_back(url: str, tmp_path: Path) -> None:
    database, again = f"sqlite:///{tmp_path}/new.db", f"file:{tmp_path}/again"
    await write(url, "1")
    await restore((await back_up(url, tmp_path / "one")).path, database)
    await restore((await back_up(database, tmp_path / "two")).path, again)
    assert await read(again) == ["1"]
    with pytest.raises(StateNotEmpty):
        await restore((await back_up(url, tmp_path / "one")).path, again)
    assert (await is_empty(again), await is_empty(f"file:{tmp_path}/none")) == (False, True)
