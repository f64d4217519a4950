"""The secret values that this process has read, and the forms in which a text may repeat them.

Values never leave the process: it learns them when it resolves a reference, reads a key or opens a database.
"""

import base64
import functools
import json
import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote, quote_plus

MARK: Final = "[redacted:{}]"

_MOST: Final = 1_000
"""Values that are remembered; the oldest are forgotten, such as tokens that have been renewed."""

_SHORTEST: Final = 6
_SHORTEST_WORD: Final = 12
"""Shorter values of letters alone are words, such as ``postgres``: to replace them would spoil plain text."""

_SHORTEST_ENCODED: Final = 8
_SHORTEST_BEGUN: Final = 4
_LONGEST_BEGUN: Final = 4_000
_IN_RUN: Final = re.compile(r"[A-Za-z0-9_\-+/=.~%]{12,}")


class KnownSecrets:
    """Values with their kinds. Any thread may add one: readers use tuples that are replaced as a whole."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._anywhere: tuple[tuple[str, str], ...] = ()
        self._in_runs: tuple[tuple[str, str], ...] = ()

    def learn(self, value: str, kind: str = "secret") -> None:
        """Remember a secret value; ``kind`` stands in its place from now on. Short words are not remembered."""
        value = value.strip()
        if value in self._values or len(value) < _SHORTEST:
            return
        if len(value) < _SHORTEST_WORD and value.isalpha() and (value.islower() or value.isupper()):
            return
        self._values[value] = kind
        if len(self._values) > _MOST:
            self._values.pop(next(iter(self._values)), None)
        self._prepare()

    def forget(self, value: str) -> None:
        """Forget a value, for tests."""
        if self._values.pop(value.strip(), None) is not None:
            self._prepare()

    def replace(self, text: str, runs: Sequence[str]) -> str:
        """The text with every form of every value replaced; ``runs`` are its runs of token characters."""
        found = [pair for pair in self._anywhere if pair[0] in text]
        if runs and self._in_runs:
            joined = "\n".join(runs)
            found += [pair for pair in self._in_runs if pair[0] in joined]
        # A longer form may contain a shorter one.
        for form, kind in sorted(found, key=lambda pair: -len(pair[0])):
            text = text.replace(form, MARK.format(kind))
        return text

    def without_begun(self, text: str) -> str:
        """A text that still grows, without the beginning of a value at its end."""
        tail = text[-_LONGEST_BEGUN:]
        for value in self._values:
            at = tail.rfind(value[:_SHORTEST_BEGUN])
            if at >= 0 and value.startswith(tail[at:]):
                text = text[: len(text) - len(tail) + at]
                tail = tail[:at]
        return text

    def _prepare(self) -> None:
        known: dict[str, str] | None = None
        while known != self._values:  # another thread may have added a value
            known = self._values.copy()
            forms = [(form, kind) for value, kind in known.items() for form in forms_of(value)]
            self._anywhere = tuple(pair for pair in forms if not _IN_RUN.fullmatch(pair[0]))
            self._in_runs = tuple(pair for pair in forms if _IN_RUN.fullmatch(pair[0]))


@functools.lru_cache(maxsize=_MOST)
def forms_of(value: str) -> tuple[str, ...]:
    """A value as it may appear in a text: itself, escaped for JSON, Python, HTML or a URL, in base64 or hexadecimal."""
    raw = value.encode("utf-8", "surrogatepass")
    texts = [value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]]
    forms = [
        *texts,
        *(json.dumps(text, ensure_ascii=False)[1:-1] for text in texts),  # JSON within JSON
        repr(value)[1:-1],
        value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
    ]
    url = quote(raw, safe="")
    forms += [url, url.lower(), quote(raw), quote_plus(raw)]
    if len(raw) >= _SHORTEST_ENCODED:
        forms += [raw.hex(), raw.hex().upper(), *_base64(raw)]
    return tuple(dict.fromkeys(form for form in forms if form))


def _base64(raw: bytes) -> Iterable[str]:
    """The characters of base64 that depend on the value alone, at each of the three places where it may begin."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        # The first characters also hold bits of what stands before, the last one of what follows.
        start = (0, 2, 3)[offset]
        stop = len(encoded) - (1 if (offset + len(raw)) % 3 else 0)
        form = encoded[start:stop]
        yield form
        yield form.replace("+", "-").replace("/", "_")


KNOWN: Final = KnownSecrets()
"""The values that this process knows."""
