"""A drill proves that a backup can be restored and read, and fails if it cannot."""

import gzip
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from holdfast_activities import clock
from holdfast_activities.signing.keys import SigningKeys
from holdfast_activities.state import cipher_of, open_state
from holdfast_activities.state.backup.drill import drill
from holdfast_activities.state.backup.folder import last_drill, path_of
from holdfast_activities.state.backup.writing import back_up
from holdfast_temporal.encryption.keyring import Keyring
from holdfast_workflows.contracts.control.audit import AuditRecord
from tests.temporal.encryption.keys import write_keys

from ..test_migrations import run
from .conftest import write_session


async def test_a_good_backup_is_proven(sound: str, folder: Path) -> None:
    made = await back_up(sound, folder)
    report = await drill(folder)
    assert report.faults == []
    assert (report.path, report.sessions, report.entries) == (str(made.path), 1, 2)
    assert (report.tables["holdfast_log"], report.database) == (2, made.header.database)


async def test_a_drill_removes_the_copy_that_a_killed_one_left(
    sound: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / "holdfast-scratch-drill-x"
    left.mkdir()
    os.utime(left, (1.0, 1.0))
    await back_up(sound, folder)
    assert (await drill(folder)).faults == []
    assert list(tmp_path.glob("holdfast-*")) == []


async def test_a_damaged_backup_fails_the_drill(sound: str, folder: Path) -> None:
    path = (await back_up(sound, folder)).path
    path.write_bytes(path.read_bytes()[:-1])
    assert "none good" in (await drill(folder)).faults[0]
    assert str(path) in (await drill(path)).faults[0]


async def test_a_damaged_backup_beside_a_good_one_fails_the_drill(sound: str, folder: Path) -> None:
    made = await back_up(sound, folder)
    later = path_of(folder, made.header.database, made.header.at + 60)
    shutil.copy(made.path, later)
    later.write_bytes(later.read_bytes()[:-1])
    report = await drill(folder)
    assert report.path == str(made.path)
    [fault] = report.faults
    assert str(later) in fault


async def test_an_old_backup_fails_the_drill(
    sound: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await back_up(sound, folder)
    assert (await drill(folder, max_age=600)).faults == []
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + 3_600)
    assert "60 minutes old" in (await drill(folder, max_age=600)).faults[0]


async def test_a_turn_that_a_reset_has_set_aside_without_its_reply_is_no_fault(
    sound: str, folder: Path
) -> None:
    await run(sound, "UPDATE holdfast_turn SET session = 's~reset-1'")
    await run(sound, "UPDATE holdfast_log SET session = 's~reset-1' WHERE seq = 1")
    await back_up(sound, folder)
    assert (await drill(folder)).faults == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ('UPDATE holdfast_log SET body = \'{"kind":"user"}\' WHERE seq = 1', "invalid: log s 1"),
        ("DELETE FROM holdfast_log WHERE seq = 2", "reply_missing: the reply 2 of turn 1"),
        ("DELETE FROM holdfast_spec", "spec_missing: its agent's spec d2"),
        ("UPDATE holdfast_audithead SET hash = 'x'", "audit log: head_changed"),
    ],
)
async def test_content_that_a_worker_could_not_use_fails_the_drill(
    sound: str, folder: Path, change: str, fault: str
) -> None:
    await run(sound, change)
    await back_up(sound, folder)
    faults = (await drill(folder)).faults
    assert any(each.startswith(fault) for each in faults), faults


async def test_a_backup_whose_keys_are_lost_fails_the_drill(folder: Path, tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", "k1")
    write_keys(tmp_path / "others", "k2")
    key, other = Keyring(f"file:{tmp_path / 'keys'}"), Keyring(f"file:{tmp_path / 'others'}")
    url = f"sqlite:///{tmp_path}/state.db"
    state = await open_state(url, cipher=cipher_of(key))
    await write_session(state, "s", reply="secret")
    await state.close()
    made = await back_up(url, folder)
    assert (await drill(folder, cipher=cipher_of(key))).faults == []
    assert (await drill(folder, cipher=cipher_of(other))).faults[0].startswith("unreadable: log s 1")
    assert (await drill(folder)).faults[0].startswith("unreadable")
    assert b"secret" not in gzip.decompress(made.path.read_bytes())


async def test_signatures_of_the_audit_log_are_checked_with_the_key(folder: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    state = await open_state(url, keys=SigningKeys.new())
    await state.append_audit(AuditRecord(id="a", kind="operator", action="paused", tenant="acme"))
    await state.close()
    await back_up(url, folder)
    assert (await drill(folder)).notes
    assert "audit log: wrong_key" in (await drill(folder, keys=SigningKeys.new())).faults[0]


async def test_a_good_drill_of_a_folder_leaves_its_time_and_a_bad_one_none(sound: str, folder: Path) -> None:
    made = await back_up(sound, folder)
    database, whole = made.header.database, made.path.read_bytes()
    made.path.write_bytes(whole[:-1])
    await drill(folder)
    assert last_drill(folder, database) == 0.0
    made.path.write_bytes(whole)
    await drill(folder)
    assert last_drill(folder, database) > 0.0
