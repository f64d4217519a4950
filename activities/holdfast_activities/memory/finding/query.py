"""Parse a query: its search terms, the speakers it names, the times it names."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from . import dates
from .dates import Span
from .terms import STOP_WORDS, plain, terms
from .units import Unit, units

_WHEN = re.compile(
    r"\b(when|what (?:date|day|month|year|time)|which (?:date|day|month|year|weekend)|how long ago|since when)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"[^\W\d_]+")
# Verb forms that differ between third and first person: "does Ann live", "do I live".
_FIRST_PERSON = (
    (re.compile(r"\bdoes I\b"), "do I"),
    (re.compile(r"\bI does\b"), "I do"),
    (re.compile(r"\bis I\b"), "am I"),
    (re.compile(r"\bI is\b"), "I am"),
    (re.compile(r"\bhas I\b"), "have I"),
    (re.compile(r"\bI has\b"), "I have"),
)
_PRONOUNS = (
    (re.compile(r"\b(?:he|she)\b", re.IGNORECASE), "I"),
    (re.compile(r"\bhis\b", re.IGNORECASE), "my"),
    (re.compile(r"\bher\b", re.IGNORECASE), "my"),
    (re.compile(r"\bhim\b", re.IGNORECASE), "me"),
    (re.compile(r"\b(?:him|her)self\b", re.IGNORECASE), "myself"),
)


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query.

    Attributes:
        text: The original text.
        units: The distinct words to search for, in order.
        spans: The times it names.
        asks_when: Whether the answer is a time.
    """

    text: str
    units: tuple[Unit, ...]
    spans: tuple[Span, ...]
    asks_when: bool

    @classmethod
    def read(cls, text: str, now: float) -> "Query":
        """Parse a query at the time ``now``."""
        spans, rest = dates.read(text, now)
        # A memory from May need not contain "May": words of a date are search terms only if there are no others.
        return cls(text, units(rest) or units(text), tuple(spans), bool(_WHEN.search(text)))

    @property
    def terms(self) -> tuple[str, ...]:
        """The distinct search terms, in order."""
        return tuple(dict.fromkeys(term for unit in self.units for term in unit.terms))

    def asked_about(self, speakers: Iterable[str]) -> frozenset[str]:
        """Return the speakers that the query names, by full name or a part of it."""
        # "Will" is a name and "will" is not, unless the whole query is in lower case.
        lower = self.text.islower()
        words = {plain(word) for word in _NAME.findall(self.text) if word[:1].isupper() or lower} - STOP_WORDS
        return frozenset(speaker for speaker in speakers if words & set(plain(speaker).split()))

    def without_names(self, names: Iterable[str]) -> "Query":
        """Return the query without the terms of names, unless nothing else is left."""
        named = {term for name in names for term in terms(name)}
        return replace(self, units=tuple(unit for unit in self.units if not unit.named(named)) or self.units)

    def in_first_person(self, speaker: str) -> str:
        """Rewrite the query in the first person, which is closer to what the speaker said."""
        name = rf"\b{_whole_or_part(speaker)}\b"
        text = re.sub(rf"{name}['’]s?", "my", self.text, flags=re.IGNORECASE)
        text = re.sub(name, "I", text, flags=re.IGNORECASE)
        for pattern, instead in _PRONOUNS + _FIRST_PERSON:
            text = pattern.sub(instead, text)
        return text


def _whole_or_part(name: str) -> str:
    parts = [re.escape(part) for part in (name, *name.split())]
    return f"(?:{'|'.join(parts)})"
