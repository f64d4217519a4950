"""Ed25519 keys, read from ``HOLDFAST_SIGNING_KEY`` or a file of the home folder.

The text of a key is one line, ``ed25519:SEED`` with 32 bytes in base64. Further lines are keys that sign no more
but are still accepted, as ``ed25519:SEED`` or ``ed25519-public:KEY``. A text of public keys only can check
signatures and make none.
"""

import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from holdfast_activities.secrets.references import resolve
from holdfast_workflows.contracts.control.secrets import is_reference
from holdfast_workflows.contracts.errors import SecretMissing, SettingsInvalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FILE: Final = "signing.key"
"""The name of the default key's file in the home folder."""

_PRIVATE, _PUBLIC = "ed25519:", "ed25519-public:"
_SETTING = "HOLDFAST_SIGNING_KEY"
_FORM = "use lines of ed25519:SEED or ed25519-public:KEY, each of 32 bytes in base64"


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature in base64, and the id of the key that made it."""

    key: str
    signature: str


@dataclass(frozen=True, repr=False)
class SigningKeys:
    """The key that signs, if there is one, and all keys whose signatures are accepted."""

    seeds: Sequence[bytes]
    others: Sequence[bytes] = ()

    @classmethod
    def read(cls, text: str, name: str = _SETTING) -> "SigningKeys":
        """Read keys from a text; ``name`` is where it is from, for errors.

        Raises:
            SettingsInvalid: A line is not a key, or the text has no key.
        """
        seeds, others = list[bytes](), list[bytes]()
        lines = [line.strip() for line in text.splitlines()]
        for line in lines:
            if not line or line.startswith("#"):
                continue
            prefix = _PUBLIC if line.startswith(_PUBLIC) else _PRIVATE
            (others if prefix == _PUBLIC else seeds).append(_key(line, prefix, name))
        if not seeds and not others:
            raise SettingsInvalid(f"{name} has no key; {_FORM}")
        return cls(seeds, others)

    @classmethod
    def new(cls) -> "SigningKeys":
        """A new random key."""
        return cls([secrets.token_bytes(32)])

    @property
    def text(self) -> str:
        """The keys as ``read`` takes them."""
        private = [f"{_PRIVATE}{b64encode(seed).decode()}\n" for seed in self.seeds]
        return "".join(private) + "".join(_public_line(key) for key in self.others)

    @property
    def public_text(self) -> str:
        """The public keys, for those who check signatures only."""
        return "".join(_public_line(key) for key in self._accepted.values())

    def sign(self, purpose: str, message: bytes) -> Signed:
        """Sign a message for a purpose: a signature is not valid for another purpose.

        Raises:
            SettingsInvalid: There are public keys only.
        """
        if not self.seeds:
            raise SettingsInvalid(f"{_SETTING} has public keys only; a worker needs a key that signs")
        private, id = self._signer
        return Signed(id, b64encode(private.sign(_bound(purpose, message))).decode())

    def accepts(self, purpose: str, message: bytes, signed: Signed) -> bool:
        """Whether one of the keys made the signature for this purpose and message."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        public = self._accepted.get(signed.key)
        if public is None:
            return False
        try:
            signature = b64decode(signed.signature, validate=True)
            Ed25519PublicKey.from_public_bytes(public).verify(signature, _bound(purpose, message))
        except (InvalidSignature, ValueError):
            return False
        return True

    def knows(self, key: str) -> bool:
        """Whether a key of this id is accepted."""
        return key in self._accepted

    # Loading the library takes a while, so it is loaded when the first message is signed.

    @cached_property
    def _signer(self) -> "tuple[Ed25519PrivateKey, str]":
        private = _private(self.seeds[0])
        return private, _id(private.public_key().public_bytes_raw())

    @cached_property
    def _accepted(self) -> dict[str, bytes]:
        own = [_private(seed).public_key().public_bytes_raw() for seed in self.seeds]
        return {_id(public): public for public in (*own, *self.others)}


def open_keys(reference: str, folder: Path) -> SigningKeys:
    """The keys that a reference (``env:NAME``, ``file:/path``) names; without one, those of a file in the folder.

    The file is made if it is missing, readable by its owner only.

    Raises:
        SettingsInvalid: The keys are missing or malformed, or the file cannot be written.
    """
    if reference:
        if not is_reference(reference):
            raise SettingsInvalid(f"{_SETTING} is not a reference; use env:NAME or file:/path")
        try:
            return SigningKeys.read(resolve(reference))
        except SecretMissing as error:
            raise SettingsInvalid(f"{_SETTING}: {error.detail}") from None
    path = folder / FILE
    try:
        if not path.exists():
            _create(path, SigningKeys.new().text)
        return SigningKeys.read(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"the signing key {path}: {error}; set {_SETTING}") from None


def _create(path: Path, text: str) -> None:
    """Write a file under its name at once, so that of several processes one makes it and none reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(own, path)
    except FileExistsError:
        pass
    finally:
        own.unlink()


def _key(line: str, prefix: str, name: str) -> bytes:
    try:
        key = b64decode(line.removeprefix(prefix), validate=True)
    except ValueError:
        key = b""
    if not line.startswith(prefix) or len(key) != 32:
        raise SettingsInvalid(f"{name} has a line that is not a key; {_FORM}")
    return key


def _private(seed: bytes) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed)


def _public_line(public: bytes) -> str:
    return f"{_PUBLIC}{b64encode(public).decode()}\n"


def _id(public: bytes) -> str:
    """The id of a key: the beginning of its public key's hash."""
    return sha256(public).hexdigest()[:16]


def _bound(purpose: str, message: bytes) -> bytes:
    return b"holdfast:" + purpose.encode() + b"\0" + message
