"""Who may decrypt: tokens, namespaces, the UI's origins, and how often."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from holdfast_workflows.contracts.errors import SettingsInvalid

from ..encryption.references import Reference

SETTING: Final = "--tokens"
MIN_TOKEN: Final = 32
"""Characters of a token. A shorter one could be guessed."""

_PER_SECOND: Final = 100.0
_AT_ONCE: Final = 1_000.0
"""The UI sends a request for each payload, so a page of a long history takes hundreds."""
_CALLERS: Final = 1_000
"""Callers whose rates are kept."""

_LINE: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._@-]{0,99}):(\S+)")


@dataclass
class Access:
    """What the server allows.

    Attributes:
        tokens: The SHA-256 hash of each caller's token, by the caller's name.
        namespaces: The namespaces whose payloads it decrypts.
        origins: The origins of pages that may call it, such as ``https://temporal.example``.
        verify: Names the owner of another credential, such as a token of an identity provider; empty for one that
            may not decrypt.
        token_in_path: Also take the token from the path, ``/TOKEN/decode``, for UIs without a login.
    """

    tokens: Mapping[str, bytes]
    namespaces: frozenset[str]
    origins: set[str] = field(default_factory=set[str])
    token_in_path: bool = False
    verify: Callable[[str], str] | None = None

    def caller(self, token: str) -> str:
        """The name of the token's owner; empty for a wrong token. Takes the same time for all tokens."""
        given = hash_of(token)
        found = "".join([name for name, known in self.tokens.items() if hmac.compare_digest(known, given)])
        return found or (self.verify(token) if self.verify else "")


class Rates:
    """A token bucket for each caller."""

    def __init__(self, per_second: float = _PER_SECOND, at_once: float = _AT_ONCE) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str) -> float:
        """Take one request; return 0, or the seconds after which the caller may try again."""
        now = time.monotonic()
        left, at = self._buckets.pop(caller, (self._at_once, now))
        left = min(self._at_once, left + (now - at) * self._per_second)
        allowed = left >= 1
        self._buckets[caller] = (left - 1 if allowed else left, now)
        if len(self._buckets) > _CALLERS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._per_second


@dataclass(frozen=True)
class Tokens:
    """The tokens that a reference names: one for each line, ``NAME:TOKEN``."""

    by_name: Mapping[str, bytes]

    @classmethod
    def read(cls, reference: str) -> Self:
        """Read tokens.

        Raises:
            SettingsInvalid: The reference or a line is invalid, or a token is short. Messages never contain a token.
        """
        lines = Reference.parse(SETTING, reference).read().splitlines()
        return cls(dict(_tokens(line.strip() for line in lines)))


def hash_of(token: str) -> bytes:
    """The hash by which a token is kept and compared."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _tokens(lines: Iterable[str]) -> Iterable[tuple[str, bytes]]:
    names: set[str] = set()
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise SettingsInvalid(f"{SETTING}: line {number} is not NAME:TOKEN")
        name, token = found.groups()
        if len(token) < MIN_TOKEN:
            raise SettingsInvalid(
                f"{SETTING}: the token of {name!r} has {len(token)} characters; use {MIN_TOKEN} or more"
            )
        if name in names:
            raise SettingsInvalid(f"{SETTING}: the name {name!r} occurs twice; remove one of the lines")
        names.add(name)
        yield name, hash_of(token)
    if not names:
        raise SettingsInvalid(f"{SETTING} names no token; write lines of NAME:TOKEN")
