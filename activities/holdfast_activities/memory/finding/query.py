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
_PRONOUNS = {
    "he": "I", "she": "I", "his": "my", "her": "my", "him": "me", "himself": "myself", "herself": "myself",
}  # fmt: skip
_PRONOUN = re.compile(rf"\b(?:{'|'.join(_PRONOUNS)})\b", re.IGNORECASE)
# The verbs follow: "does Ann live" becomes "do I live".
_VERBS = {"does": "do", "is": "am", "has": "have"}
_VERB = re.compile(r"\b(?:(does|is|has) I|I (does|is|has))\b")


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
        spans, rest = dates.extract(text, now)
        # A memory from May need not contain "May": words of a date are search terms only if there are no others.
        return cls(text, units(rest) or units(text), tuple(spans), bool(_WHEN.search(text)))

    @property
    def terms(self) -> tuple[str, ...]:
        """The distinct search terms, in order."""
        return tuple(dict.fromkeys(term for unit in self.units for term in unit.terms))

    def speakers_named(self, speakers: Iterable[str]) -> frozenset[str]:
        """Return the speakers whose full name, or a part of it, is in the query."""
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
        name = rf"\b(?:{'|'.join(map(re.escape, (speaker, *speaker.split())))})\b"
        text = re.sub(rf"{name}['’]s?", "my", self.text, flags=re.IGNORECASE)
        text = re.sub(name, "I", text, flags=re.IGNORECASE)
        text = _PRONOUN.sub(lambda match: _PRONOUNS[match[0].lower()], text)
        return _VERB.sub(lambda match: f"{_VERBS[match[1]]} I" if match[1] else f"I {_VERBS[match[2]]}", text)
