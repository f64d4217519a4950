"""``holdfast backup``, ``backup list``, ``backup drill`` and ``restore``."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from holdfast_activities.memory import Collection, Record
from holdfast_activities.memory.embedded import open_embedded
from holdfast_activities.state import open_state
from holdfast_client.command.main import invoke
from holdfast_workflows.contracts.session.entries import UserEntry


@pytest.fixture
async def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as a worker leaves it, with one entry."""
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    monkeypatch.setenv("HOLDFAST_BACKUP_FOLDER", str(tmp_path / "backups"))
    state = await open_state(f"sqlite:///{tmp_path}/state.db")
    await state.log.settle("s", [UserEntry(seq=1, text="One.")])
    await state.close()
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert invoke(words) == code
    return capsys.readouterr().out


def test_a_backup_is_made_proven_and_restored_by_commands(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = json.loads(printed(capsys, "backup", "--json"))
    assert (made["rows"], made["deleted"]) == (2, 0)
    assert Path(made["path"]).parent == home / "backups"
    listed = json.loads(printed(capsys, "backup", "list", "--json"))
    assert [each["path"] for each in listed["backups"]] == [made["path"]]
    assert listed["archiving"] is None
    assert "The backup is good." in printed(capsys, "backup", "drill", "--max-age", "1h")
    target = f"sqlite:///{home}/elsewhere/state.db"
    restored = json.loads(printed(capsys, "restore", "--url", target, "--json"))
    assert (restored["rows"], restored["database"]) == (2, made["database"])
    with pytest.raises(SystemExit):  # it would mix two databases
        invoke(["restore", made["path"]])
    assert "has content" in capsys.readouterr().err


def test_a_backup_deletes_what_a_killed_one_left(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = home / "backups" / "holdfast-0123abcd-20260101T000000Z.backup.1f.part"
    left.parent.mkdir()
    left.touch()
    os.utime(left, (1.0, 1.0))
    made = json.loads(printed(capsys, "backup", "--json"))
    assert list(left.parent.iterdir()) == [Path(made["path"])]


async def put_memory(home: Path) -> None:
    """Write a memory, as a worker without an embedder does."""
    store = await open_embedded(home / "memory.db")
    await store.begin(Collection())
    await store.put("", [Record("m", "tenant", "fact", "Ann likes tea.", 1.0)])
    await store.close()


def test_memories_are_backed_up_proven_and_restored_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(put_memory(home))
    made = json.loads(printed(capsys, "backup", "--json"))
    assert (made["rows"], made["memories"]) == (2, 1)
    assert json.loads(printed(capsys, "backup", "drill", "--json"))["memories"] == 1
    monkeypatch.setenv("HOLDFAST_MEMORY_URL", f"sqlite:///{home}/other.db")
    alone = json.loads(printed(capsys, "restore", "--only", "memories", "--json"))
    assert (alone["rows"], alone["memories"]) == (0, 1)
    monkeypatch.setenv("HOLDFAST_MEMORY_URL", f"sqlite:///{home}/third.db")
    target = f"sqlite:///{home}/elsewhere/state.db"
    out = printed(capsys, "restore", "--url", target)
    assert out.startswith("2 rows and 1 memory of ")
    assert "Erase again" in out


def test_a_store_that_is_down_leaves_the_state_and_an_error(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "memory.db").write_text("This is not a database at all, which has to be said at some length.")
    with pytest.raises(SystemExit):
        invoke(["backup"])
    assert "the memories were not" in capsys.readouterr().err
    [path] = (home / "backups").iterdir()
    assert path.name.endswith("-state.backup")
    monkeypatch.setenv("HOLDFAST_BACKUP_MEMORIES", "false")
    assert json.loads(printed(capsys, "backup", "--json"))["memories"] == 0


def test_a_drill_on_a_damaged_backup_exits_with_1(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(json.loads(printed(capsys, "backup", "--json"))["path"])
    path.write_bytes(path.read_bytes()[:-1])
    out = printed(capsys, "backup", "drill", code=1)
    assert out.startswith("fault: ")
    assert "NOT proven" in out
    assert json.loads(printed(capsys, "backup", "drill", "--json", code=1))["faults"]


def test_without_a_folder_the_setting_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HOLDFAST_BACKUP_FOLDER")
    with pytest.raises(SystemExit):
        invoke(["backup", "--json"])
    out, err = capsys.readouterr()
    assert "HOLDFAST_BACKUP_FOLDER is not set; set it, or give --folder" in err
    assert json.loads(out)["error"]["code"] == "settings_invalid"
    assert printed(capsys, "backup", "list", "--folder", str(home)) == f"{home} has no backups.\n"
