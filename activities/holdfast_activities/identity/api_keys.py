"""The file of API keys. It holds hashes: a key is shown once, when it is created, and cannot be read from the file."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from holdfast_workflows.contracts.control.identity import Principal
from holdfast_workflows.contracts.errors import BadInput, InvalidCredential, SettingsInvalid

PREFIX: Final = "hfk_"
_ID: Final = re.compile(r"[a-zA-Z0-9-]{1,64}")


class ApiKey(BaseModel):
    """One key. ``hash`` is the key's SHA-256 in hexadecimal; times are seconds since 1970, 0 for never."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    hash: str = Field(repr=False)
    principal: Principal
    created: float = 0.0
    expires: float = 0.0


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: list[ApiKey] = []


class ApiKeys:
    """The keys of a file. ``refresh`` reads it again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._by_hash: dict[str, ApiKey] = {}
        self._ids: frozenset[str] = frozenset()

    def refresh(self) -> None:
        """Read the file if it has changed.

        Raises:
            SettingsInvalid: It cannot be read. The keys stay as they were.
        """
        try:
            stat = self._path.stat()
        except OSError as error:
            raise _unreadable(self._path, error.strerror) from error
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen != self._seen:
            keys = load(self._path)
            self._by_hash = {key.hash: key for key in keys}
            self._ids = frozenset(key.id for key in keys)
            self._seen = seen

    def find(self, text: str, now: float) -> ApiKey:
        """Return a key that is valid now; InvalidCredential otherwise."""
        found = self._by_hash.get(_hash(text))
        if found is None or (found.expires and found.expires <= now):
            raise InvalidCredential
        return found

    def knows(self, id: str) -> bool:
        """Whether a key has not been revoked."""
        return id in self._ids


def load(path: Path) -> list[ApiKey]:
    """Return the keys of a file.

    Raises:
        SettingsInvalid: It cannot be read.
    """
    try:
        return _File.model_validate_json(path.read_bytes()).keys
    except OSError as error:
        raise _unreadable(path, error.strerror) from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise _unreadable(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def create(path: Path, id: str, principal: Principal, *, now: float, expires: float = 0.0) -> str:
    """Add a key to a file, which is created if it is missing; return the key's text.

    Raises:
        BadInput: The id is taken or cannot be used.
    """
    if not _ID.fullmatch(id):
        raise BadInput(f"the key's id {id!r} has 1 to 64 letters, digits and hyphens")
    keys = load(path) if path.exists() else []
    if any(key.id == id for key in keys):
        raise BadInput(f"there is a key {id!r} already; revoke it first, or choose another id")
    text = f"{PREFIX}{id}_{secrets.token_urlsafe(32)}"
    keys.append(ApiKey(id=id, hash=_hash(text), principal=principal, created=now, expires=expires))
    _write(path, keys)
    return text


def revoke(path: Path, id: str) -> None:
    """Remove a key from a file; BadInput if it is not there."""
    keys = load(path)
    left = [key for key in keys if key.id != id]
    if len(left) == len(keys):
        raise BadInput(f"no key {id!r}; `holdfast api-keys list` lists them")
    _write(path, left)


def _hash(text: str) -> str:
    # A key has 256 random bits, so a slow hash would protect nothing more.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _write(path: Path, keys: list[ApiKey]) -> None:
    """Replace the file, so that a worker never reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(_File(keys=keys).model_dump_json(indent=2))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _unreadable(path: Path, why: str | None) -> SettingsInvalid:
    return SettingsInvalid(f"HOLDFAST_IDENTITY_API_KEYS: {path}: {why}")
