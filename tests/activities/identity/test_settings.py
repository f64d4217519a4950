"""Settings of the identity provider: refused where they would protect nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast_activities.identity.settings import IdentitySettings
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.errors import SettingsInvalid

TOKENS: dict[str, Any] = {"keys": ("env:K",), "jwks": "https://x/jwks", "issuer": "i", "audience": "a"}


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"keys": ()}, "HOLDFAST_IDENTITY_KEY"),
        ({"issuer": ""}, "HOLDFAST_IDENTITY_ISSUER"),
        ({"audience": ""}, "HOLDFAST_IDENTITY_AUDIENCE"),
        ({"jwks": "http://login.test/jwks"}, "HOLDFAST_IDENTITY_JWKS"),
        ({"jwks": "http://127.0.0.1.evil.test/jwks"}, "HOLDFAST_IDENTITY_JWKS"),
        ({"algorithms": ("RS256", "HS256")}, "HOLDFAST_IDENTITY_ALGORITHMS"),
        ({"algorithms": ("none",)}, "HOLDFAST_IDENTITY_ALGORITHMS"),
        ({"jwks": ""}, "HOLDFAST_IDENTITY_KEY"),
    ],
)
def test_settings_that_protect_nothing_are_refused(change: dict[str, Any], names: str) -> None:
    IdentitySettings(**TOKENS).check()
    with pytest.raises(SettingsInvalid, match=names):
        IdentitySettings(**(TOKENS | change)).check()


def test_an_identity_key_is_a_reference_to_a_long_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONG", "l" * 32)
    monkeypatch.setenv("OLD", "o" * 32)
    monkeypatch.setenv("SHORT", "s" * 31)
    keys = IdentitySettings(keys=("env:LONG", "env:OLD")).signing_keys()
    assert [key.secret for key in keys.values()] == [b"l" * 32, b"o" * 32]
    for wrong in ("env:SHORT", "l" * 32):
        with pytest.raises(SettingsInvalid):
            IdentitySettings(keys=(wrong,)).signing_keys()


def test_the_variables_describe_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Settings.load().identity().on
    monkeypatch.setenv("HOLDFAST_IDENTITY_KEY", "env:NEW, env:OLD")
    monkeypatch.setenv("HOLDFAST_IDENTITY_API_KEYS", "keys.json")
    monkeypatch.setenv("HOLDFAST_IDENTITY_CLAIMS", '{"tenant": "org", "role_names": {"admin": "operator"}}')
    found = Settings.load().identity()
    assert found.on
    assert (found.keys, found.api_keys) == (("env:NEW", "env:OLD"), Path("keys.json"))
    assert (found.claims.tenant, found.claims.role_names) == ("org", {"admin": "operator"})
    monkeypatch.setenv("HOLDFAST_IDENTITY_CLAIMS", '{"role_names": {"admin": "root"}}')
    with pytest.raises(SettingsInvalid, match="HOLDFAST_IDENTITY_CLAIMS"):
        Settings.load().identity()
