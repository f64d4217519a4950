"""API keys: shown once, stored as hashes, revoked."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast_activities.identity.api_keys import ApiKeys, create, load, revoke
from holdfast_workflows.contracts.control.identity import Principal
from holdfast_workflows.contracts.errors import BadInput, InvalidCredential, SettingsInvalid

ANN = Principal(id="ann", roles=("user",), tenant="acme")


def test_a_key_is_found_by_its_text_and_the_file_does_not_contain_it(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    text = create(file, "ann-laptop", ANN, now=1.0)
    keys = ApiKeys(file)
    keys.refresh()
    assert keys.find(text, now=2.0).principal == ANN
    assert text not in file.read_text()
    assert text.rpartition("_")[2] not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("change", ["", "x", "hfk_ann_", "hfk_ann_wrong"])
def test_another_text_is_not_a_key(tmp_path: Path, change: str) -> None:
    file = tmp_path / "keys.json"
    text = create(file, "ann", ANN, now=1.0)
    keys = ApiKeys(file)
    keys.refresh()
    for wrong in (change, text + change if change else text[:-1], load(file)[0].hash):
        with pytest.raises(InvalidCredential):
            keys.find(wrong, now=2.0)


def test_a_key_ends_at_its_time(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    text = create(file, "ann", ANN, now=1.0, expires=10.0)
    keys = ApiKeys(file)
    keys.refresh()
    assert keys.find(text, now=9.9).id == "ann"
    with pytest.raises(InvalidCredential):
        keys.find(text, now=10.0)


def test_a_revoked_key_is_gone_after_a_refresh_and_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    ann, bob = create(file, "ann", ANN, now=1.0), create(file, "bob", ANN, now=1.0)
    keys = ApiKeys(file)
    keys.refresh()
    revoke(file, "ann")
    keys.refresh()
    assert not keys.knows("ann")
    assert keys.find(bob, now=2.0).id == "bob"
    with pytest.raises(InvalidCredential):
        keys.find(ann, now=2.0)


def test_an_id_is_used_once_and_an_unknown_one_cannot_be_revoked(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    create(file, "ann", ANN, now=1.0)
    with pytest.raises(BadInput):
        create(file, "ann", ANN, now=1.0)
    with pytest.raises(BadInput):
        create(file, "a/b", ANN, now=1.0)
    with pytest.raises(BadInput):
        revoke(file, "bob")


def test_a_broken_file_is_reported_and_the_keys_stay(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    text = create(file, "ann", ANN, now=1.0)
    keys = ApiKeys(file)
    keys.refresh()
    file.write_text("{")
    with pytest.raises(SettingsInvalid):
        keys.refresh()
    assert keys.find(text, now=2.0).id == "ann"
    with pytest.raises(SettingsInvalid):
        ApiKeys(tmp_path / "missing.json").refresh()
