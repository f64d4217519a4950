"""``holdfast audit verify`` and ``audit key``, on the state database of a worker."""

import json
from pathlib import Path

import pytest

from holdfast_activities.signing.keys import SigningKeys
from holdfast_activities.state import open_state
from holdfast_activities.state.audit.exporting import export
from holdfast_client.command.main import invoke
from holdfast_workflows.contracts.control.audit import AuditRecord
from tests.activities.state.test_migrations import run


@pytest.fixture
async def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as a worker leaves it, with two records and their exported head."""
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    keys = SigningKeys.new()
    (tmp_path / "signing.key").write_text(keys.text)
    state = await open_state(f"sqlite:///{tmp_path}/state.db", keys=keys)
    for id in ("a", "b"):
        await state.append_audit(AuditRecord(id=id, kind="operator", action="paused", tenant="acme"))
    await export(state.audit, keys, state.identity.id, str(tmp_path / "audit-heads"), 1.5)
    await state.close()
    return tmp_path


def test_a_genuine_log_is_verified(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["audit", "verify"]) == 0
    assert capsys.readouterr().out == "1 chain, 2 records, 1 exported head: no fault\n"
    assert invoke(["audit", "verify", "--tenant", "acme", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report == {"tenants": 1, "records": 2, "heads": 1, "findings": [], "notes": []}


@pytest.fixture
async def falsified(home: Path) -> Path:
    url = f"sqlite:///{home}/state.db"
    await run(url, "DROP TRIGGER holdfast_audit_no_update")
    await run(url, "UPDATE holdfast_audit SET principal = 'eve' WHERE n = 2")
    return home


def test_a_changed_record_is_named_and_exits_with_1(
    falsified: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["audit", "verify"]) == 1
    out = capsys.readouterr().out
    assert "changed: tenant 'acme': record 2: principal is not as in its content" in out
    assert invoke(["audit", "verify", "--json"]) == 1
    [finding] = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["tenant"], finding["n"], finding["fault"]) == ("acme", 2, "changed")


def test_what_cannot_be_verified_is_said(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (home / "audit-heads").iterdir():
        path.unlink()
    (home / "audit-heads").rmdir()
    (home / "signing.key").unlink()
    assert invoke(["audit", "verify"]) == 0
    out = capsys.readouterr().out
    assert "note: no key was given" in out
    assert "note: no exported heads were given" in out
    # It makes no key of its own.
    assert not (tmp_path / "signing.key").exists()


def test_the_public_key_verifies(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert invoke(["audit", "key"]) == 0
    public = capsys.readouterr().out
    assert public.startswith("ed25519-public:")
    monkeypatch.setenv("AUDITOR", public)
    assert invoke(["audit", "verify", "--key", "env:AUDITOR"]) == 0
    assert invoke(["audit", "key", "--new"]) == 0
    monkeypatch.setenv("AUDITOR", capsys.readouterr().out.splitlines()[-1])
    assert invoke(["audit", "verify", "--key", "env:AUDITOR"]) == 1
    assert "wrong_key" in capsys.readouterr().out
    assert home.exists()
