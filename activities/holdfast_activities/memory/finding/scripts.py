"""Scripts without spaces between words, and n-grams of words."""

import re
from collections.abc import Sequence

HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HIRAGANA = "\u3041-\u309f"
KATAKANA = "\u30a1-\u30ff\u31f0-\u31ff"
HANGUL = "\uac00-\ud7af"
_SOUTHERN = "\u0e00-\u0e7f", "\u0e80-\u0eff", "\u1780-\u17ff", "\u1000-\u109f"  # Thai, Lao, Khmer, Burmese

RUN = re.compile("|".join(f"[{script}]+" for script in (HAN + HIRAGANA + KATAKANA, HANGUL, *_SOUTHERN)))
"""A run of one of these scripts. Korean has spaces, but its many suffixes need the same treatment."""

# A consonant with its vowel and tone marks.
_CLUSTER = re.compile(
    "[\u0e40-\u0e44]?[\u0e01-\u0e2e][\u0e30-\u0e3a\u0e45\u0e47-\u0e4e]*"
    "|[\u0ec0-\u0ec4]?[\u0e81-\u0eae\u0edc-\u0edf][\u0eb0-\u0ebd\u0ec8-\u0ecd]*"
    "|[\u1780-\u17b3](?:\u17d2[\u1780-\u17b3]|[\u17b4-\u17d1\u17d3\u17dd])*"
    "|[\u1000-\u102a](?:\u1039[\u1000-\u1021]|[\u102b-\u1038\u103a-\u103e])*(?:[\u1000-\u1021][\u1037\u1038]*\u103a[\u1037\u1038]*)*"
    "|.",
    re.DOTALL,
)
_KANA = re.compile(f"[{HIRAGANA}{KATAKANA}]")
# Arabic and Hebrew omit most vowels, so their words are shorter.
_SHORT = re.compile("[\u0590-\u07ff]")

_LETTERS = 4
_SHORT_LETTERS = 3
_MOST_LETTERS = 40
"""Longer tokens are not words, but keys or texts without spaces."""


def clusters(run: str) -> list[str]:
    """Split a run into characters with their marks."""
    return _CLUSTER.findall(run)


def pairs(parts: Sequence[str]) -> list[str]:
    """Return bigrams; a single character stays alone."""
    return ["".join(parts[place : place + 2]) for place in range(max(1, len(parts) - 1))]


def pieces(run: str) -> list[str]:
    """Return the index terms of a run: bigrams, and single characters that may be words."""
    parts = clusters(run)
    return [*(part for part in parts if len(parts) > 1 and not _KANA.match(part)), *pairs(parts)]


def grams(word: str) -> list[str]:
    """Return overlapping n-grams of a word, which match its other forms and compounds.

    The prefix ``~`` separates them from words: ``less`` is a word and an n-gram of ``lesson``.
    """
    size = _SHORT_LETTERS if _SHORT.match(word) or len(word) == _SHORT_LETTERS else _LETTERS
    if len(word) < size or len(word) > _MOST_LETTERS or word.isdigit():
        return []
    return [f"~{word[place : place + size]}" for place in range(len(word) - size + 1)]


def beginning(word: str) -> list[str]:
    """Return the first three letters, so that a word of three letters matches its forms with an ending."""
    return [f"~{word[:_SHORT_LETTERS]}"] if _SHORT_LETTERS < len(word) <= 2 * _SHORT_LETTERS else []
