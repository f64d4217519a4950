"""Texts of rows to encrypted texts and back.

An encrypted text is ``enc:1:KEY:BASE64``. The row's table, column and key are authenticated, so a text that was
copied to another row does not decrypt there. A clear text that looks encrypted is written as ``enc:0:`` and the
text. An empty text stays empty.
"""

import base64
import binascii
import re
from typing import Final, Protocol

from holdfast_workflows.contracts.errors import ClearRefused, DecryptionFailed, KeysMissing

PURPOSE: Final = "row"
SEALED: Final = "vector"
HASHED: Final = "index"
_SEAL: Final = b"\xffHFV1"
"""The beginning of sealed bytes. A clear vector never begins so: its first number would be over 1."""

_MARK: Final = "enc:"
_CLEAR: Final = "enc:0:"
ENCRYPTED: Final = "enc:1:"
"""The beginning of an encrypted text."""

_ASIDE: Final = re.compile(r"~reset-\d+$")


class Keys(Protocol):
    """Keys by id; ``holdfast_temporal``'s Keyring is one."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the primary first."""
        ...

    def encrypt(self, purpose: str, data: bytes, context: bytes) -> tuple[str, bytes]:
        """Encrypt by the primary key; return its id and the encrypted data."""
        ...

    def decrypt(self, purpose: str, id: str, data: bytes, context: bytes) -> bytes:
        """Decrypt; KeyUnknown or DecryptionFailed if that is not possible."""
        ...

    def token(self, purpose: str, id: str, text: str, context: str) -> str:
        """The keyed hash of a text."""
        ...


class Cipher:
    """Without keys: texts stay as they are."""

    def encrypt(self, text: str, *place: str | int) -> str:
        """The text to store at a place: the column (``log.body``), then the row's key."""
        return _CLEAR + text if text.startswith(_MARK) else text

    def decrypt(self, stored: str, *place: str | int) -> str:
        """The text that was stored at a place.

        Raises:
            KeysMissing: It is encrypted, and there are no keys.
            KeyUnknown: Its key is missing.
            DecryptionFailed: It belongs to another place, or was changed.
            ClearRefused: It is not encrypted, although there are keys.
        """
        if not stored.startswith(_MARK):
            return stored
        if not stored.startswith(_CLEAR):
            raise KeysMissing(f"the state database, {place[0]}")
        return stored.removeprefix(_CLEAR)

    def seal(self, data: bytes) -> bytes:
        """The bytes to store; unlike texts they are not bound to a row."""
        return data

    def unseal(self, stored: bytes) -> bytes:
        """The bytes that were stored. Raises as ``decrypt``."""
        return stored

    @property
    def current(self) -> str:
        """The beginning of texts that need not be encrypted again; empty without keys."""
        return ""


CLEAR: Final = Cipher()


class KeyCipher(Cipher):
    """With keys: new texts are encrypted by the primary one."""

    def __init__(self, keys: Keys, *, accept_clear: bool = False) -> None:
        """``accept_clear`` also reads texts that are not encrypted."""
        self._keys = keys
        self._accept_clear = accept_clear

    def encrypt(self, text: str, *place: str | int) -> str:
        if not text:
            return ""
        id, data = self._keys.encrypt(PURPOSE, text.encode("utf-8", "surrogatepass"), _context(place))
        return f"{ENCRYPTED}{id}:{base64.b64encode(data).decode()}"

    def decrypt(self, stored: str, *place: str | int) -> str:
        if not stored.startswith(ENCRYPTED):
            if stored and not self._accept_clear:
                raise ClearRefused(f"the state database, {place[0]}")
            return super().decrypt(stored, *place)
        id, _, encoded = stored.removeprefix(ENCRYPTED).partition(":")
        try:
            data = binascii.a2b_base64(encoded, strict_mode=True)
        except (binascii.Error, ValueError):
            raise DecryptionFailed(f"the state database, {place[0]}: not base64") from None
        return self._keys.decrypt(PURPOSE, id, data, _context(place)).decode("utf-8", "surrogatepass")

    def seal(self, data: bytes) -> bytes:
        id, sealed = self._keys.encrypt(SEALED, data, b"")
        return b"".join((_SEAL, bytes([len(id)]), id.encode(), sealed))

    def unseal(self, stored: bytes) -> bytes:
        if not stored.startswith(_SEAL):
            if not self._accept_clear:
                raise ClearRefused("a vector of a memory")
            return stored
        start = len(_SEAL) + 1
        end = start + stored[start - 1]
        return self._keys.decrypt(SEALED, stored[start:end].decode(errors="replace"), stored[end:], b"")

    def hashes(self, text: str, *place: str) -> tuple[str, ...]:
        """The keyed hashes of a text at a place, by the primary key first; then the text, if it may be clear."""
        found = [self._keys.token(HASHED, id, text, "\0".join(place)) for id in self._keys.ids]
        return (*found, text) if self._accept_clear else tuple(found)

    @property
    def current(self) -> str:
        return f"{ENCRYPTED}{self._keys.ids[0]}:"


def cipher_of(keys: Keys | None, *, accept_clear: bool = False) -> Cipher:
    """The cipher of these keys; without keys, the one that changes nothing."""
    return CLEAR if keys is None else KeyCipher(keys, accept_clear=accept_clear)


def _context(place: tuple[str | int, ...]) -> bytes:
    # A reset moves rows to a log whose name has a suffix; they must still decrypt there.
    parts = [_ASIDE.sub("", part) if isinstance(part, str) else str(part) for part in place]
    return "\0".join(parts).encode("utf-8", "surrogatepass")
