"""Exports of audit heads, to a folder and to a web address, from both databases."""

import os
from pathlib import Path
from typing import Any

import pytest

from holdfast_activities.signing.keys import SigningKeys
from holdfast_activities.state import State, open_state, upgrade
from holdfast_activities.state.audit.exporting import SUFFIX, export, read_exports
from holdfast_activities.state.audit.verifying import verify
from holdfast_workflows.contracts.errors import AuditBroken, BadInput, StateUnavailable
from tests.activities.state.test_migrations import run

from .test_appending import record


@pytest.fixture
def keys() -> SigningKeys:
    return SigningKeys.new()


@pytest.fixture
async def log(empty_url: str, keys: SigningKeys) -> Any:
    await upgrade(empty_url)
    state = await open_state(empty_url, keys=keys)
    yield state
    await state.close()


async def exported(state: State, keys: SigningKeys, folder: Path) -> int:
    return await export(state.audit, keys, state.identity.id, str(folder), 1.5)


async def test_each_export_has_the_heads_that_moved(log: State, keys: SigningKeys, tmp_path: Path) -> None:
    await log.append_audit(record("a", "acme"), record("a", "globex"))
    assert await exported(log, keys, tmp_path) == 2
    assert await exported(log, keys, tmp_path) == 0
    await log.append_audit(record("b", "acme"))
    assert await exported(log, keys, tmp_path) == 1
    exports = read_exports(tmp_path)
    assert sorted(sorted((head.tenant, head.n) for head in each.heads) for each in exports) == [
        [("acme", 1), ("globex", 1)],
        [("acme", 2)],
    ]
    assert all(each.signed_by(keys) and each.database == log.identity.id for each in exports)
    report = await verify(log.audit, keys, exports, database=log.identity.id)
    assert (report.findings, report.heads, report.records) == ([], 3, 3)


async def test_an_export_removes_what_a_killed_one_left(
    log: State, keys: SigningKeys, tmp_path: Path
) -> None:
    left = tmp_path / f"20260101T000000.000000Z-0123abcd{SUFFIX}.part"
    left.touch()
    os.utime(left, (1.0, 1.0))
    await log.append_audit(record("a", "acme"))
    assert await exported(log, keys, tmp_path) == 1
    assert not left.exists()


async def test_a_head_that_no_worker_has_signed_is_not_exported(
    log: State, keys: SigningKeys, empty_url: str, tmp_path: Path
) -> None:
    await log.append_audit(record("a", "acme"), record("b", "acme"), record("a", "globex"))
    await run(empty_url, "UPDATE holdfast_audithead SET n = 1 WHERE tenant = 'acme'")
    with pytest.raises(AuditBroken, match="acme"):
        await exported(log, keys, tmp_path)
    [only] = read_exports(tmp_path)
    assert [head.tenant for head in only.heads] == ["globex"]


async def test_a_place_that_cannot_be_written_is_tried_again(
    log: State, keys: SigningKeys, tmp_path: Path
) -> None:
    await log.append_audit(record("a", "acme"))
    (tmp_path / "file").touch()
    with pytest.raises(StateUnavailable, match="cannot be exported"):
        await exported(log, keys, tmp_path / "file")
    assert await exported(log, keys, tmp_path / "folder") == 1


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.audit-heads.json").write_text("[]")
    with pytest.raises(BadInput, match=r"x\.audit-heads"):
        read_exports(tmp_path)
