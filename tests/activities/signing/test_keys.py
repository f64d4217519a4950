"""Signing keys: the signatures they accept, and where they are read from."""

from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from holdfast_activities.signing.keys import FILE, Signed, SigningKeys, open_keys
from holdfast_workflows.contracts.errors import SettingsInvalid

MESSAGE = b"head 3"


@pytest.fixture
def keys() -> SigningKeys:
    return SigningKeys.new()


def test_a_signature_is_accepted_for_its_purpose_message_and_key_only(keys: SigningKeys) -> None:
    signed = keys.sign("audit", MESSAGE)
    assert keys.accepts("audit", MESSAGE, signed)
    assert not keys.accepts("approval", MESSAGE, signed)
    assert not keys.accepts("audit", b"head 4", signed)
    other = SigningKeys.new()
    assert not other.accepts("audit", MESSAGE, signed)
    # Under the id of another key.
    assert not keys.accepts("audit", MESSAGE, Signed(signed.key, other.sign("audit", MESSAGE).signature))
    assert not keys.accepts("audit", MESSAGE, Signed(signed.key, "no base64"))


def test_public_keys_check_and_do_not_sign(keys: SigningKeys) -> None:
    public = SigningKeys.read(keys.public_text)
    assert public.accepts("audit", MESSAGE, keys.sign("audit", MESSAGE))
    with pytest.raises(SettingsInvalid, match="public keys only"):
        public.sign("audit", MESSAGE)


def test_an_older_key_is_accepted_and_signs_no_more(keys: SigningKeys) -> None:
    rotated = SigningKeys.read(SigningKeys.new().text + "# until May\n" + keys.text)
    assert rotated.accepts("audit", MESSAGE, keys.sign("audit", MESSAGE))
    assert not keys.accepts("audit", MESSAGE, rotated.sign("audit", MESSAGE))


@pytest.mark.parametrize("text", ["", "# nothing", "ed25519:abc", "rsa:" + b64encode(bytes(32)).decode()])
def test_a_text_without_a_valid_key_is_refused(text: str) -> None:
    with pytest.raises(SettingsInvalid, match="HOLDFAST_SIGNING_KEY has"):
        SigningKeys.read(text)


def test_the_default_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = {keys.text for keys in pool.map(open_keys, [""] * 8, [tmp_path / "home"] * 8)}
    assert len(found) == 1
    assert [path.name for path in (tmp_path / "home").iterdir()] == [FILE]
    assert (tmp_path / "home" / FILE).stat().st_mode & 0o777 == 0o600


def test_a_reference_names_the_key(
    keys: SigningKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", keys.text)
    (tmp_path / "key").write_text(keys.text)
    for reference in ("env:A_KEY", f"file:{tmp_path / 'key'}"):
        assert open_keys(reference, tmp_path).text == keys.text
    with pytest.raises(SettingsInvalid, match="OTHER"):
        open_keys("env:OTHER", tmp_path)
    with pytest.raises(SettingsInvalid, match="is not a reference"):
        open_keys(keys.text, tmp_path)


def test_a_key_does_not_show_itself(keys: SigningKeys) -> None:
    assert keys.text.strip().removeprefix("ed25519:") not in repr(keys)
