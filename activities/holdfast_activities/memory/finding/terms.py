"""Tokenisation of memories and queries, above the stores, so that every store indexes the same terms."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from .scripts import RUN, clusters, pairs
from .stemming import stem

# Letters and digits with South Asian vowel marks, but not their punctuation; an underscore separates words.
_WORD = re.compile(
    r"(?:[^\W_]|(?![\u0964\u0965\u0e2f\u0e46\u0e4f\u0e5a\u0e5b\u0eaf\u0ec6\u0f01-\u0f17\u104a-\u104f\u17d4-\u17da])"
    r"[\u0900-\u0dff\u0e00-\u109f\u1780-\u17ff])+"
)
_RUNS = re.compile(f"({RUN.pattern})")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
# Elided articles, prepositions and pronouns of Romance languages.
_ELIDED = re.compile(
    r"\b(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu|presqu|quelqu|(?:d|n|s)?ell|all|dall|nell|sull|coll|agl|"
    r"degl|dagl|negl|sugl|gl|un|nessun|ciascun|quest|quell|bell|quant|tutt|sant|senz|dov|com|cos|anch|pres)'(?=[^\W\d_]{2})"
)
_APOSTROPHE = re.compile(r"'(?:s|ve|re|ll|d|m|t)?\b")
_QUOTES = str.maketrans(
    {**dict.fromkeys("’‘‛ʼʹ′＇´`ʻ׳", "'"), **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\xad")}
)
# Accents; the vowels of Arabic and Hebrew, which are seldom written; the Arabic hamza and the stroke that draws letters out.
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0640\u064b-\u065f\u0670]")
_LETTERS = str.maketrans("ىةıکی", "يهiكي")
_ARTICLE = re.compile("^(?:[وف]?(?:ال|بال|كال|لل))(?=[\u0620-\u064a]{3})")

_STOP_WORDS = (
    "a about above after again ago ain all also always am an and any anyone anything are aren as at back be "
    "because been before being below between both but by can cannot could couldn did didn do does doesn doing don "
    "done down during each either else ever every few for from further get gets getting go goes going gone gonna "
    "got gotten had hadn has hasn have haven having he hello her here hers herself hey hi him himself his how "
    "however i if im in instead into is isn it its itself just kind last let like ll lot lots made make makes "
    "many may me might mine more most much must my myself near never no nor not now of off oh ok okay on once one "
    "only onto or other our ours ourselves out over own per please quite rather re really same say says she "
    "should shouldn since so some someone something sometimes still such sure than thank thanks that the their "
    "theirs them themselves then there these they thing think things this those though through to today together "
    "tomorrow too toward under until up upon us used very via want wants was wasn way we well were weren what "
    "whatever when where whether which while who whom whose why will with within without won would wouldn yeah "
    "yes yesterday yet you your yours yourself yourselves"
)
STOP_WORDS = frozenset(_STOP_WORDS.split())


def terms(text: str) -> list[str]:
    """Return the terms of a text, in order, with repeats: lower case, no stop words or accents, English stemmed.

    Text without spaces becomes bigrams.
    """
    found: list[str] = []
    for part in parts(words(text)):
        if RUN.fullmatch(part):
            found.extend(pairs(clusters(part)))
        elif part not in STOP_WORDS:
            found.append(stem(part))
    return found


def words(text: str) -> list[str]:
    """Split normalised text into words, without elisions and contractions."""
    text = _THOUSANDS.sub("", plain(text))
    if "'" in text:
        text = _APOSTROPHE.sub("", _ELIDED.sub(" ", text))
    return [_ARTICLE.sub("", word, count=1) if word > "\u0600" else word for word in _WORD.findall(text)]


def parts(text_words: Iterable[str]) -> Iterator[str]:
    """Split words at the boundaries of scripts without spaces."""
    for word in text_words:
        if word.isascii():
            yield word
        else:
            yield from filter(None, _RUNS.split(word))


def plain(text: str) -> str:
    """Normalise to lower case and one form per character, without accents and optional vowels."""
    if text.isascii():
        return text.replace("`", "'").lower()
    apart = unicodedata.normalize("NFKD", text.translate(_QUOTES).casefold())
    return unicodedata.normalize("NFC", _MARKS.sub("", apart)).translate(_LETTERS)
