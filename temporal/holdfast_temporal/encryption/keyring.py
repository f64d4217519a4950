"""Keys by id: one primary that encrypts, and older ones that decrypt. AES-256-GCM with random nonces.

A key is never used itself: each purpose (payloads, rows, index terms) has its own key derived from it by HKDF, so
data of one purpose never decrypts as another's. The key file is looked at once a second, and at once when a key is
unknown. So a process that meets a new key learns it without a restart, if its file has it.
"""

from __future__ import annotations

import hmac
import logging
import os
import threading
import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from holdfast_workflows.contracts.errors import (
    DecryptionFailed,
    KeysInvalid,
    KeyUnknown,
    SettingsInvalid,
)
from holdfast_workflows.contracts.text.unicode import preview

from .key_file import KEY_BYTES, Key, parse
from .references import Reference

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SETTING: Final = "HOLDFAST_KEYS"
NONCE_BYTES: Final = 12
_CHECK_SECONDS: Final = 1.0
_TOKEN_BYTES: Final = 16

_log = logging.getLogger(__name__)


class _Keys:
    """The keys at one time, with what was derived from them."""

    def __init__(self, keys: tuple[Key, ...]) -> None:
        self.ids = tuple(key.id for key in keys)
        self.secrets = {key.id: key.secret for key in keys}
        self.ciphers: dict[tuple[str, str], AESGCM] = {}
        self.derived: dict[tuple[str, str], bytes] = {}


class Keyring:
    """The keys that a reference names. Safe to use from several threads."""

    def __init__(self, reference: str, environ: Mapping[str, str] | None = None) -> None:
        """Read the keys.

        Raises:
            KeysInvalid: The reference or a key is invalid, or the package ``cryptography`` is not installed.
        """
        _check_installed()
        try:
            self._reference = Reference.parse(SETTING, reference)
        except SettingsInvalid as error:
            raise KeysInvalid(error.detail) from None
        self._environ = environ
        self._lock = threading.Lock()
        self._stamp = self._reference.stamp()
        self._keys = self._read()
        self._next_check = time.monotonic() + _CHECK_SECONDS

    def __repr__(self) -> str:
        return f"Keyring(primary={self.primary!r}, keys={len(self.ids)})"

    @property
    def primary(self) -> str:
        """The id of the key that encrypts."""
        return self._current().ids[0]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the primary first."""
        return self._current().ids

    def encrypt(self, purpose: str, data: bytes, context: bytes) -> tuple[str, bytes]:
        """Encrypt by the primary key; return its id, and the nonce with the ciphertext.

        ``context`` is authenticated: decryption needs the same.
        """
        keys = self._current()
        id = keys.ids[0]
        nonce = os.urandom(NONCE_BYTES)
        return id, nonce + _cipher(keys, id, purpose).encrypt(nonce, data, context)

    def decrypt(self, purpose: str, id: str, data: bytes, context: bytes) -> bytes:
        """Decrypt what ``encrypt`` returned.

        Raises:
            KeyUnknown: There is no key of that id, also not in the file as it is now.
            DecryptionFailed: The purpose or context differs, or the data was changed.
        """
        from cryptography.exceptions import InvalidTag

        keys = self._current()
        if id not in keys.secrets:
            keys = self._reloaded()
            if id not in keys.secrets:
                raise KeyUnknown(f"key {preview(id, 64)!r}; this process has {', '.join(keys.ids)}")
        try:
            return _cipher(keys, id, purpose).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise DecryptionFailed(f"key {id!r}") from None

    def token(self, purpose: str, id: str, text: str, context: str) -> str:
        """The keyed hash of a text as 32 hexadecimal digits, for looking it up without storing it."""
        secret = _derived(self._current(), id, purpose)
        message = f"{context}\0{text}".encode("utf-8", "surrogatepass")
        return hmac.digest(secret, message, "sha256")[:_TOKEN_BYTES].hex()

    def _current(self) -> _Keys:
        return self._keys if time.monotonic() < self._next_check else self._reloaded()

    def _reloaded(self) -> _Keys:
        """The keys as the file has them now. Keys that cannot be read are logged, and the old ones stay."""
        with self._lock:
            self._next_check = time.monotonic() + _CHECK_SECONDS
            stamp = self._reference.stamp()
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._keys = self._read()
                except KeysInvalid as error:
                    _log.error("the keys were not loaded again, and the old ones stay in use: %s", error)
                else:
                    _log.info(
                        "keys loaded again: the primary is %s, of %d", self._keys.ids[0], len(self._keys.ids)
                    )
            return self._keys

    def _read(self) -> _Keys:
        try:
            text = self._reference.read(self._environ)
        except SettingsInvalid as error:
            raise KeysInvalid(error.detail) from None
        return _Keys(parse(text, str(self._reference.path or self._reference.variable)))


def _cipher(keys: _Keys, id: str, purpose: str) -> AESGCM:
    found = keys.ciphers.get((id, purpose))
    if found is None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        found = keys.ciphers[id, purpose] = AESGCM(_derived(keys, id, purpose))
    return found


def _derived(keys: _Keys, id: str, purpose: str) -> bytes:
    found = keys.derived.get((id, purpose))
    if found is None:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

        # The keys are random, so HKDF's first half, which extracts randomness, is not needed.
        info = f"holdfast {purpose} 1".encode()
        found = HKDFExpand(SHA256(), KEY_BYTES, info).derive(keys.secrets[id])
        keys.derived[id, purpose] = found
    return found


def _check_installed() -> None:
    if find_spec("cryptography") is None:
        raise KeysInvalid(
            f'{SETTING} is set, and encryption is not installed; run `pip install "holdfast[security]"`'
        )
