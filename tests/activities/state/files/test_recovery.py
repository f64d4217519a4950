"""A folder after a crash, and with damaged or missing files."""

import json
import shutil
from pathlib import Path

import pytest

from holdfast_activities.state import open_state
from holdfast_activities.state.backup.restoring import restore
from holdfast_workflows.contracts.errors import BackupUnreadable, StateDamaged, StateNotMigrated
from holdfast_workflows.contracts.session.entries import UserEntry

from .conftest import journal, read, snapshots, write


async def crashed(url: str, folder: Path, *texts: str) -> None:
    """Leave the folder as a process that is killed leaves it: the last commits are in the journal only."""
    state = await open_state(url)
    for text in texts:
        await state.log.settle("s", [UserEntry(seq=int(text), text=text)])
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("index"))
    await state.close()
    shutil.rmtree(folder)
    copy.rename(folder)


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


async def test_what_was_written_is_there_after_a_crash(url: str, folder: Path) -> None:
    await write(url, "1")
    await crashed(url, folder, "2", "3")
    assert await read(url) == ["1", "2", "3"]


@pytest.mark.parametrize("left", [1, 40, -1], ids=["a byte", "a part", "all but its end"])
async def test_a_last_line_that_was_not_written_in_full_is_cut_off(
    url: str, folder: Path, left: int, caplog: pytest.LogCaptureFixture
) -> None:
    await crashed(url, folder, "1", "2")
    *whole, last = lines(path := journal(folder))
    path.write_bytes(b"".join([*whole, last[:left]]))
    assert await read(url) == ["1"]
    assert "cut off" in caplog.text
    await write(url, "2")
    assert await read(url) == ["1", "2"]


async def test_a_damaged_line_before_the_last_is_refused(url: str, folder: Path) -> None:
    await crashed(url, folder, "1", "2", "3")
    *before, damaged, last = lines(path := journal(folder))
    path.write_bytes(b"".join([*before, damaged.replace(b'"2', b'"7'), last]))
    with pytest.raises(StateDamaged, match=f"{path.name}: line {len(before) + 1} is damaged.*delete it"):
        await open_state(url)
    path.write_bytes(b"".join(before))
    assert await read(url) == ["1"]


async def test_without_its_first_line_a_journal_is_given_up_by_a_restore(url: str, folder: Path) -> None:
    await write(url, "1")
    await crashed(url, folder, "2")
    path = journal(folder)
    path.write_bytes(b"".join(lines(path)[1:]))
    with pytest.raises(StateDamaged, match=f"{path.name}: line 1 is damaged.*holdfast restore"):
        await open_state(url)
    other = f"file:{folder.with_name('other')}"
    await restore(snapshots(folder)[-1], other)
    assert await read(other) == ["1"]


async def test_a_missing_line_is_refused(url: str, folder: Path) -> None:
    await crashed(url, folder, "1", "2", "3")
    *before, _, last = lines(path := journal(folder))
    path.write_bytes(b"".join([*before, last]))
    with pytest.raises(StateDamaged, match=r"commit \d+ is missing before"):
        await open_state(url)


async def test_a_line_that_a_person_repaired_is_read(url: str, folder: Path) -> None:
    await crashed(url, folder, "1", "2")
    *before, last = lines(path := journal(folder))
    value = json.loads(last.replace(rb"\"text\":\"2\"", rb"\"text\":\"two\""))
    del value["sum"]
    path.write_bytes(b"".join([*before, json.dumps(value).encode() + b"\n"]))
    assert await read(url) == ["1", "two"]


async def test_a_damaged_newest_snapshot_is_replaced_by_an_older_one_and_its_journals(
    url: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await write(url, "1")
    await write(url, "2")
    newest = snapshots(folder)[-1]
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 0xFF
    newest.write_bytes(data)
    assert await read(url) == ["1", "2"]
    assert newest.name in caplog.text
    assert newest.with_name(f"{newest.name}.damaged").exists()


async def test_a_folder_without_a_good_snapshot_is_refused(url: str, folder: Path) -> None:
    await write(url, "1")
    for path in snapshots(folder):
        path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StateDamaged, match="no good snapshot"):
        await open_state(url)


async def test_a_missing_journal_is_refused(url: str, folder: Path) -> None:
    await write(url, "1")
    await crashed(url, folder, "2")
    journal(folder).unlink()
    with pytest.raises(StateDamaged, match=r"the journal with commit \d+ is missing"):
        await open_state(url)


async def test_a_snapshot_that_was_copied_alone_is_a_store_with_a_warning(
    url: str, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await write(url, "1")
    (tmp_path / "new").mkdir()
    shutil.copy(snapshots(folder)[-1], tmp_path / "new")
    assert await read(f"file:{tmp_path / 'new'}") == ["1"]
    assert "has one snapshot and no journal" in caplog.text


@pytest.mark.parametrize("name", ["revision", "holdfast_journal"])
async def test_a_journal_of_a_newer_version_is_refused(url: str, folder: Path, name: str) -> None:
    await crashed(url, folder, "1")
    first, *others = lines(path := journal(folder))
    value = json.loads(first) | {name: "9999"}
    del value["sum"]
    path.write_bytes(b"".join([json.dumps(value).encode() + b"\n", *others]))
    with pytest.raises(BackupUnreadable, match=path.name):
        await open_state(url)


async def test_a_first_start_that_was_interrupted_is_begun_again(url: str, folder: Path) -> None:
    await crashed(url, folder)
    for path in snapshots(folder):
        path.unlink()
    begun = lines(journal(folder))[0]
    journal(folder).write_bytes(begun)
    assert await read(url) == []
    await write(url, "1")
    assert await read(url) == ["1"]


async def test_a_missing_folder_is_not_created_without_migrating(url: str, folder: Path) -> None:
    with pytest.raises(StateNotMigrated):
        await open_state(url, migrate=False)
    assert not folder.exists()
