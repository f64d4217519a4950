"""The text form of a keyring, and changing it.

One key for each line, ``ID:BASE64`` with 32 random bytes. The first key is the primary: it encrypts, the others
decrypt only. Empty lines and lines that begin with ``#`` are ignored; in a variable, spaces separate keys too.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from holdfast_workflows.contracts.errors import KeysInvalid

KEY_BYTES: Final = 32
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FORM: Final = "write ID:BASE64, as `holdfast keys add` does"


@dataclass(frozen=True, slots=True)
class Key:
    """A key. Its ``repr`` shows the id only."""

    id: str
    secret: bytes = field(repr=False)


def new_key(taken: Sequence[str] = ()) -> Key:
    """A random key whose id is the date, with a number if that is taken."""
    day = datetime.now(UTC).date().isoformat()
    count = 1
    while (id := day if count == 1 else f"{day}.{count}") in taken:
        count += 1
    return Key(id, secrets.token_bytes(KEY_BYTES))


def parse(text: str, place: str) -> tuple[Key, ...]:
    """Read keys, the primary first; ``place`` is where they are, for messages.

    Raises:
        KeysInvalid: A line is not a key, an id occurs twice, or the text has no key. Messages never contain a key.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    keys: list[Key] = []
    for number, word in enumerate(" ".join(lines).split(), 1):
        id, colon, encoded = word.partition(":")
        if not colon or not _ID.fullmatch(id):
            raise KeysInvalid(f"{place}: key {number} has no valid id; {_FORM}")
        keys.append(Key(id, _secret(id, encoded, place)))
    if not keys:
        raise KeysInvalid(f"{place} has no keys; {_FORM}")
    ids = [key.id for key in keys]
    if twice := next((id for id in ids if ids.count(id) > 1), ""):
        raise KeysInvalid(f"{place}: the id {twice!r} occurs twice; remove one of the lines")
    return tuple(keys)


def dump(keys: Sequence[Key]) -> str:
    """The text of keys."""
    return "".join(f"{line(key)}\n" for key in keys)


def line(key: Key) -> str:
    """The line of a key."""
    return f"{key.id}:{base64.b64encode(key.secret).decode()}"


def write(path: Path, keys: Sequence[Key]) -> None:
    """Replace the key file at once, so that no process reads half of it; only its owner may read it.

    Raises:
        KeysInvalid: It cannot be written.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(dump(keys))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise KeysInvalid(f"{path} cannot be written: {error.strerror}") from None


def _secret(id: str, encoded: str, place: str) -> bytes:
    try:
        secret = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise KeysInvalid(f"{place}: the key {id!r} is not base64; {_FORM}") from None
    if len(secret) != KEY_BYTES:
        raise KeysInvalid(f"{place}: the key {id!r} has {len(secret)} bytes; AES-256 needs {KEY_BYTES}")
    return secret
