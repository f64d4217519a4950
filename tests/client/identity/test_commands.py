"""The commands of identity, and identity together with encryption."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast import SessionNotFound
from holdfast.testing import say
from holdfast_activities.identity.api_keys import load
from holdfast_client.command.main import invoke
from holdfast_workflows.contracts.control.identity import Principal

from ...support import always
from ...temporal.encryption.keys import write_keys
from .conftest import Guarding


def test_a_key_is_created_listed_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--file", str(tmp_path / "keys.json")]
    words = ["api-keys", "create", "ann", "--role", "user", "--role", "approver", "--tenant", "acme"]
    assert invoke([*words, "--expires", "90d", *place]) == 0
    text = capsys.readouterr().out.strip()
    assert text.startswith("hfk_ann_")
    (key,) = load(tmp_path / "keys.json")
    assert key.principal == Principal(id="ann", roles=("user", "approver"), tenant="acme")
    assert 89 * 86_400 < key.expires - key.created < 91 * 86_400
    assert invoke(["api-keys", "list", *place]) == 0
    listed = capsys.readouterr().out
    assert "ann  user ann  acme  user, approver  until" in listed
    assert text not in listed
    assert invoke(["api-keys", "revoke", "ann", *place]) == 0
    assert load(tmp_path / "keys.json") == []


@pytest.mark.parametrize("tenants", [[], ["--tenant", "acme", "--all-tenants"]])
def test_a_key_is_of_one_tenant_or_expressly_of_all(tmp_path: Path, tenants: list[str]) -> None:
    words = ["api-keys", "create", "ann", "--role", "user", "--file", str(tmp_path / "keys.json")]
    assert invoke([*words, *tenants]) == 2
    assert not (tmp_path / "keys.json").exists()


async def test_refusals_keep_their_errors_when_failures_are_encrypted(
    guarding: Guarding, tmp_path: Path
) -> None:
    write_keys(tmp_path / "encryption.json", "k1")
    async with guarding(always(say("Hello.")), keys=f"file:{tmp_path / 'encryption.json'}") as it:
        session = await (await it.client("ann")).start("helper", "Hi")
        assert (await session.wait()).text == "Hello."
        for name in ("eve", ""):
            other = (await it.client(name)).session(session.id)
            for call in (other.view(), other.pause(), other.send("Hi")):
                with pytest.raises(SessionNotFound):
                    await call
