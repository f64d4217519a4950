"""What a memory is indexed by in every language, and what of a question is looked for.

English words are found by their stems. Words of other languages are found by pieces of them, too, so
that a question's word is found in a compound, with another ending or behind an article; and where
there are no spaces pieces are all there is. A question's function words are left out, which a
store of few memories could not tell from rare ones.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from . import function_words
from .scripts import HAN, HIRAGANA, KATAKANA, RUN, beginning, clusters, grams, pairs, pieces
from .stemming import stem
from .terms import STOP_WORDS, parts, words

VERSION = 2
"""Of what ``indexed`` gives. Kept with each store, whose memories are indexed again where it has changed."""

_HANGUL = re.compile("[\uac00-\ud7af]")
_KANA = re.compile(f"[{HIRAGANA}{KATAKANA}]")
_JAPANESE = re.compile(f"[{HAN}]+|[{KATAKANA}]+|[{HIRAGANA}]+")
_ASKED = re.compile("[?？؟¿;]")
_LONGEST = 7
"""Characters of the longest function word that is looked for in a run."""
_LEAST = 1 / 3
"""The part of a word's pieces below which a memory that has them has them by chance."""
_MORE = 1.25
"""What pieces count more than their number: the rest of a word is its ending as often as not."""
_CLEAR_ENDINGS = frozenset("을를은는에의")


@dataclass(frozen=True, slots=True)
class Unit:
    """A word to look for.

    Attributes:
        whole: Its term; empty where nothing tells where the word ends.
        pieces: By which it is found in other forms.
        weight: About how many words it is.
    """

    whole: str
    pieces: tuple[str, ...] = ()
    weight: int = 1

    @property
    def terms(self) -> tuple[str, ...]:
        """All terms to look for."""
        return (self.whole, *self.pieces) if self.whole else self.pieces

    def named(self, names: Set[str]) -> bool:
        """Whether it is one of these terms."""
        return self.whole in names if self.whole else names >= set(self.pieces)

    def share(self, held: Set[str]) -> float:
        """How much of it there is among a memory's terms, from 0 to 1."""
        if self.whole in held:
            return 1.0
        if not self.pieces:
            return 0.0
        found = sum(piece in held for piece in self.pieces) / len(self.pieces)
        return min(1.0, _MORE * found) if found >= _LEAST else 0.0


def indexed(text: str) -> list[str]:
    """The terms that a memory with this text is found by."""
    said = words(text)
    in_pieces = not _english(said)
    found: list[str] = []
    for part in (part for word in said for part in parts(word)):
        if RUN.fullmatch(part):
            found.extend(pieces(part))
        elif part not in STOP_WORDS:
            found.append(stem(part))
            if in_pieces:
                found.extend((*grams(part), *beginning(part)))
    return found


def units(text: str) -> tuple[Unit, ...]:
    """The words of a question that say what it is about, in order and each once."""
    said = words(text)
    english = _english(said)
    empty = frozenset[str]() if english else _function_words(said, asked=bool(_ASKED.search(text)))
    japanese = bool(_KANA.search(text))
    found: list[Unit] = []
    for part in (part for word in said for part in parts(word)):
        if RUN.fullmatch(part):
            found.extend(_unspaced(part, japanese))
        elif part not in STOP_WORDS and part not in empty:
            found.append(_spaced(part, english))
    if empty and not found:
        # The lists have words such as "year", too, and a question may be about nothing else.
        found = [_spaced(word, english) for word in said if len(word) == max(map(len, said))]
    return tuple({unit.terms: unit for unit in found}.values())


def _spaced(word: str, english: bool) -> Unit:
    return Unit(stem(word), () if english else tuple(grams(word)))


def _english(said: Sequence[str]) -> bool:
    """Whether a text is more likely English than anything else, by its function words."""
    return _in_english(said) > max(_counts(said).values(), default=0)


def _function_words(said: Sequence[str], *, asked: bool) -> Set[str]:
    """Those words of a text that are function words of the language it is likely in; ``asked`` if it is a question."""
    counts = _counts(said)
    most = max(counts.values(), default=0)
    # One of two words tells no language, unless it asks: "dog" is a function word of Danish.
    if (most < 2 and len(said) < 3 and not asked) or _in_english(said) >= most:
        return frozenset()
    likely = sum(1 << language for language, count in counts.items() if count == most)
    known = function_words.spaced()
    return {word for word in said if known.get(word, 0) & likely}


def _in_english(said: Sequence[str]) -> int:
    known = function_words.english()
    return sum(word in known for word in set(said) if len(word) > 1)


def _counts(said: Sequence[str]) -> Counter[int]:
    """How many function words of each language but English are among the words."""
    known = function_words.spaced()
    # A single letter is a word of too many languages, here and above.
    found = [known.get(word, 0) for word in set(said) if len(word) > 1]
    return Counter(number for bits in found for number in range(bits.bit_length()) if bits >> number & 1)


def _unspaced(run: str, japanese: bool) -> Iterator[Unit]:
    if _HANGUL.match(run):
        segments = _korean(run)
    elif japanese:
        segments = _japanese(run)
    else:
        segments = _without(run, function_words.unspaced())
    for segment in segments:
        made = clusters(segment)
        yield Unit("", tuple(pairs(made)), (len(made) + 1) // 2)


def _without(run: str, empty: Set[str]) -> list[str]:
    """What is left between function words, the longest of which are taken first."""
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
    """A word without its particle or ending; none for a function word."""
    empty = function_words.korean()
    if run in empty:
        return []
    for ending in function_words.ENDINGS:
        rest = run.removesuffix(ending)
        if rest != run and len(rest) >= (1 if len(ending) > 1 or ending in _CLEAR_ENDINGS else 2):
            return [] if rest in empty else [rest]
    return [run]


def _japanese(run: str) -> list[str]:
    """The stretches of one script each, without function words and the endings of verbs."""
    empty = function_words.japanese()
    found: list[str] = []
    for stretch in _JAPANESE.finditer(run):
        text = stretch.group()
        kana = re.match(f"[{HIRAGANA}]", text) is not None
        if kana and stretch.start() and text[0] in function_words.PARTICLES and text not in empty:
            # A particle after a word, or the first sign of its ending.
            text = text[1:] if text[:2] not in empty and text[:3] not in empty else text
        for segment in _without(text, empty):
            # A single sign is the rest of an ending.
            if not kana:
                found.append(segment)
            elif len(segment) > 1:
                found.append(segment.rstrip("はがをにでのへか") if len(segment) > 2 else segment)
    return found
