"""Index terms of memories and search terms of queries, in every language.

English words are indexed by stem. Words of other languages are also indexed by n-grams, to match compounds and
other endings; text without spaces is indexed by n-grams only. Function words of a query are dropped: a small store
cannot tell them from rare words.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from . import function_words
from .scripts import HAN, HIRAGANA, KATAKANA, RUN, beginning, clusters, grams, pairs, pieces
from .stemming import stem
from .terms import STOP_WORDS, parts, words

VERSION = 3
"""Version of the terms. Each store records it, and is indexed again after a change."""

_HANGUL = re.compile("[\uac00-\ud7af]")
_KANA = re.compile(f"[{HIRAGANA}{KATAKANA}]")
_JAPANESE = re.compile(f"[{HAN}]+|[{KATAKANA}]+|[{HIRAGANA}]+")
_QUESTION = re.compile("[?？؟¿;]")
_LONGEST = 7
"""Length of the longest function word in text without spaces."""
_MIN_SHARE = 1 / 3
"""Share of a word's n-grams below which a match is treated as chance."""
_NGRAM_WEIGHT = 1.25
"""The unmatched rest of a word is often only its ending."""
_CLEAR_ENDINGS = frozenset("을를은는에의")


@dataclass(frozen=True, slots=True)
class Unit:
    """A word to search for.

    Attributes:
        whole: Its term; empty if word boundaries are unknown.
        pieces: N-grams that match its other forms.
        weight: Approximate number of words.
    """

    whole: str
    pieces: tuple[str, ...] = ()
    weight: int = 1

    @property
    def terms(self) -> tuple[str, ...]:
        """All search terms of the word."""
        return (self.whole, *self.pieces) if self.whole else self.pieces

    def named(self, names: Set[str]) -> bool:
        """Whether it is one of these terms."""
        return self.whole in names if self.whole else names >= set(self.pieces)

    def share(self, terms: Set[str]) -> float:
        """Return how much of the word a memory's terms contain, from 0 to 1."""
        if self.whole in terms:
            return 1.0
        if not self.pieces:
            return 0.0
        found = sum(piece in terms for piece in self.pieces) / len(self.pieces)
        return min(1.0, _NGRAM_WEIGHT * found) if found >= _MIN_SHARE else 0.0


def indexed(text: str) -> list[str]:
    """Return the index terms of a memory's text."""
    text_words = words(text)
    english = _english(text_words)
    found: list[str] = []
    for part in parts(text_words):
        if RUN.fullmatch(part):
            found.extend(pieces(part))
        elif part not in STOP_WORDS:
            found.append(stem(part))
            if not english:
                found.extend((*grams(part), *beginning(part)))
    return found


def units(text: str) -> tuple[Unit, ...]:
    """Return the content words of a query, in order, each once."""
    text_words = words(text)
    english = _english(text_words)
    empty = frozenset[str]() if english else _function_words(text_words, bool(_QUESTION.search(text)))
    japanese = bool(_KANA.search(text))
    found: list[Unit] = []
    for part in parts(text_words):
        if RUN.fullmatch(part):
            found.extend(_unspaced(part, japanese))
        elif part not in STOP_WORDS and part not in empty:
            found.append(_spaced(part, english))
    if empty and not found:
        # The lists contain words such as "year", and a query may have no other word.
        found = [_spaced(word, english) for word in text_words if len(word) == max(map(len, text_words))]
    return tuple({unit.terms: unit for unit in found}.values())


def _spaced(word: str, english: bool) -> Unit:
    return Unit(stem(word), () if english else tuple(grams(word)))


def _english(text_words: Sequence[str]) -> bool:
    """Whether a text is most likely English, by its function words.

    A tie counts as another language. The n-grams of a short English text lower its rank a little; without them a
    compound of another language would not be found.
    """
    return _in_english(text_words) > max(_counts(text_words).values(), default=0)


def _function_words(text_words: Sequence[str], question: bool) -> Set[str]:
    """Return the function words of a question or statement, in its likely language."""
    counts = _counts(text_words)
    most = max(counts.values(), default=0)
    # One function word of two does not identify a language, except in a question: "dog" is one in Danish.
    if (most < 2 and len(text_words) < 3 and not question) or _in_english(text_words) >= most:
        return frozenset()
    likely = sum(1 << language for language, count in counts.items() if count == most)
    known = function_words.spaced()
    return {word for word in text_words if known.get(word, 0) & likely}


def _in_english(text_words: Sequence[str]) -> int:
    known = function_words.english()
    return sum(word in known for word in set(text_words) if len(word) > 1)


def _counts(text_words: Sequence[str]) -> Counter[int]:
    """Count the function words of each language except English."""
    known = function_words.spaced()
    # A single letter is a word of too many languages, here and above.
    found = [known.get(word, 0) for word in set(text_words) if len(word) > 1]
    return Counter(number for bits in found for number in range(bits.bit_length()) if bits >> number & 1)


def _unspaced(run: str, japanese: bool) -> Iterator[Unit]:
    if _HANGUL.match(run):
        segments = _korean(run)
    else:
        segments = _japanese(run) if japanese else _without(run, function_words.unspaced())
    for segment in segments:
        made = clusters(segment)
        yield Unit("", tuple(pairs(made)), (len(made) + 1) // 2)


def _without(run: str, empty: Set[str]) -> list[str]:
    """Return the segments between function words; the longest function word matches first."""
    made = clusters(run)
    found = [""]
    place = 0
    while place < len(made):
        for length in range(min(_LONGEST, len(made) - place), 0, -1):
            if "".join(made[place : place + length]) in empty:
                found.append("")
                place += length
                break
        else:
            found[-1] += made[place]
            place += 1
    return [segment for segment in found if segment]


def _korean(run: str) -> list[str]:
    """Strip a particle or ending from a word; empty for a function word."""
    empty = function_words.korean()
    if run in empty:
        return []
    for ending in function_words.ENDINGS:
        rest = run.removesuffix(ending)
        if rest != run and len(rest) >= (1 if len(ending) > 1 or ending in _CLEAR_ENDINGS else 2):
            return [] if rest in empty else [rest]
    return [run]


def _japanese(run: str) -> list[str]:
    """Split by script, without function words and verb endings."""
    empty = function_words.japanese()
    found: list[str] = []
    for stretch in _JAPANESE.finditer(run):
        text = stretch.group()
        kana = HIRAGANA[0] <= text[0] <= HIRAGANA[-1]
        if kana and stretch.start() and text[0] in function_words.PARTICLES and text not in empty:
            # A particle after a word, or the first sign of its ending.
            text = text[1:] if text[:2] not in empty and text[:3] not in empty else text
        for segment in _without(text, empty):
            # A single kana is the rest of an ending.
            if not kana:
                found.append(segment)
            elif len(segment) > 1:
                found.append(segment.rstrip("はがをにでのへか") if len(segment) > 2 else segment)
    return found
