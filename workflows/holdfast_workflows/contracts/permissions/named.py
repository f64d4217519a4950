"""Whether the user has written the values of a call's arguments."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from .rules import ALL_ARGUMENTS
from .values import MISSING, find

_NUMBER = re.compile(r"\d{1,15}(?:,\d{3})*(?:\.\d{1,15})?")
_JOINS: Final = "@.+-_/:"
"""Characters that join words to one address, so that a part of the user's address is not what the user wrote."""


class UserWords:
    """The user's messages of a session, prepared for ``named``."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._text = f" {_plain(' '.join(texts))} "
        self._numbers = {float(each.replace(",", "")) for each in _NUMBER.findall(self._text)}

    def have(self, value: Any) -> bool:
        """Whether every part of a value is in the user's words. An empty value names nothing, so it is."""
        if value is None or value in ("", [], {}):
            return True
        if isinstance(value, bool) or value is MISSING:
            return False
        if isinstance(value, (int, float)):
            return abs(value) < 1e15 and abs(float(value)) in self._numbers
        if isinstance(value, str):
            return self._has_text(_plain(value))
        parts = (
            cast("dict[str, Any]", value).values() if isinstance(value, dict) else cast("list[Any]", value)
        )
        return all(map(self.have, parts))

    def _has_text(self, wanted: str) -> bool:
        if not wanted:
            return False
        start = self._text.find(wanted)
        while start >= 0:
            if not self._joined(start - 1, -1) and not self._joined(start + len(wanted), 1):
                return True
            start = self._text.find(wanted, start + 1)
        return False

    def _joined(self, at: int, step: int) -> bool:
        """Whether the word goes on at a place: with a letter or digit, at once or after a joining character."""
        text = self._text
        if text[at].isalnum():
            return True
        after = text[at + step] if 0 <= at + step < len(text) else " "
        return (text[at] in _JOINS and after.isalnum()) or (text[at] == "," and after.isdigit())


def named(
    paths: Iterable[str],
    arguments: Iterable[str],
    values: Mapping[str, Any],
    words: UserWords,
    defaults: Mapping[str, Any],
) -> tuple[str, ...]:
    """Return the paths whose values the user has written; arguments with their default values count as written.

    ``arguments`` are the names of all arguments; one that is too long has no value, and so it is not written.
    """
    all_values = {name: values.get(name, MISSING) for name in arguments}
    given = {
        name: value for name, value in all_values.items() if name not in defaults or defaults[name] != value
    }
    found = list[str]()
    for path in paths:
        wanted = list(given.values()) if path == ALL_ARGUMENTS else find(path, dict(values))
        if all(map(words.have, wanted)):
            found.append(path)
    return tuple(found)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
