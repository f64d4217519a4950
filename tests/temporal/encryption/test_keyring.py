import logging
import time
from pathlib import Path

import pytest

from holdfast_temporal.encryption import key_file
from holdfast_temporal.encryption.keyring import Keyring
from holdfast_workflows.contracts.errors import DecryptionFailed, KeysInvalid, KeyUnknown

from .keys import write_keys


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_each_key_decrypts_what_it_encrypted_after_a_rotation(path: Path) -> None:
    keys = write_keys(path, "a")
    old = Keyring(f"file:{path}")
    id, data = old.encrypt("payload", b"text", b"context")
    write_keys(path, "b", "a", keep=keys)
    new = Keyring(f"file:{path}")
    assert (id, new.primary, new.ids) == ("a", "b", ("b", "a"))
    assert new.decrypt("payload", id, data, b"context") == b"text"


def test_an_unknown_key_is_looked_up_in_the_file_at_once(path: Path) -> None:
    keys = write_keys(path, "a")
    running = Keyring(f"file:{path}")
    keys = write_keys(path, "b", "a", keep=keys)
    id, data = Keyring(f"file:{path}").encrypt("payload", b"text", b"")
    assert running.decrypt("payload", id, data, b"") == b"text"
    assert running.primary == "b"


def test_a_changed_file_is_seen_within_the_check_interval(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = write_keys(path, "a")
    running = Keyring(f"file:{path}")
    write_keys(path, "b", "a", keep=keys)
    assert running.primary == "a"
    later = time.monotonic() + 1.1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert running.primary == "b"


def test_an_unreadable_new_file_leaves_the_old_keys_in_use(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_keys(path, "a")
    running = Keyring(f"file:{path}")
    path.write_text("b:not-base64-and-secret")
    with caplog.at_level(logging.ERROR), pytest.raises(KeyUnknown, match="'b'; this process has a"):
        running.decrypt("payload", "b", bytes(40), b"")
    assert running.primary == "a"
    assert "'b' is not base64" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("changed", ["context", "purpose", "data", "short"])
def test_data_decrypts_only_where_it_belongs(path: Path, changed: str) -> None:
    write_keys(path, "a")
    ring = Keyring(f"file:{path}")
    id, data = ring.encrypt("payload", b"text", b"context")
    if changed == "data":
        data = data[:-1] + bytes([data[-1] ^ 1])
    if changed == "short":
        data = data[:10]
    purpose = "row" if changed == "purpose" else "payload"
    context = b"other" if changed == "context" else b"context"
    with pytest.raises(DecryptionFailed):
        ring.decrypt(purpose, id, data, context)


def test_no_key_is_in_a_repr_or_an_error(path: Path) -> None:
    keys = write_keys(path, "a", "b")
    ring = Keyring(f"file:{path}")
    encoded = [key_file.line(key).partition(":")[2] for key in keys.values()]
    path.write_text(path.read_text() + f"a:{encoded[0]}\n")
    with pytest.raises(KeysInvalid, match="occurs twice") as error:
        Keyring(f"file:{path}")
    shown = f"{ring!r} {keys!r} {error.value}"
    assert not any(key in shown for key in encoded)
    assert not any(repr(key.secret) in shown for key in keys.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no keys"),
        ("# only a comment", "has no keys"),
        ("c2VjcmV0", "key 1 has no valid id"),
        ("a:c2VjcmV0", "'a' has 6 bytes; AES-256 needs 32"),
        ("a b:c2VjcmV0", "key 1 has no valid id"),
    ],
)
def test_a_malformed_key_is_refused_without_repeating_it(path: Path, text: str, message: str) -> None:
    path.write_text(text)
    with pytest.raises(KeysInvalid, match=message) as error:
        Keyring(f"file:{path}")
    assert "c2VjcmV0" not in str(error.value)


def test_a_variable_holds_several_keys(path: Path) -> None:
    write_keys(path, "a", "b")
    ring = Keyring("env:THE_KEYS", {"THE_KEYS": path.read_text().replace("\n", " ")})
    assert ring.ids == ("a", "b")


@pytest.mark.parametrize("reference", ["", "/path", "env:", "file:", "a:c2VjcmV0"])
def test_keys_are_given_by_reference_only(reference: str) -> None:
    with pytest.raises(KeysInvalid, match=r"not a reference; use file:/path or env:NAME") as error:
        Keyring(reference)
    assert "c2VjcmV0" not in str(error.value)


def test_a_missing_file_or_variable_is_named() -> None:
    with pytest.raises(KeysInvalid, match="/nowhere/keys, which cannot be read: No such file"):
        Keyring("file:/nowhere/keys")
    with pytest.raises(KeysInvalid, match="the variable NOT_SET, which is not set"):
        Keyring("env:NOT_SET", {})


def test_only_its_owner_may_read_a_written_key_file(path: Path) -> None:
    write_keys(path, "a")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["keys"]


def test_new_keys_of_one_day_have_different_ids() -> None:
    first = key_file.new_key()
    second = key_file.new_key([first.id])
    assert second.id == f"{first.id}.2"
    assert first.secret != second.secret
