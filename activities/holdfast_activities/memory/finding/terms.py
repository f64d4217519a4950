"""The words that memories are found by: the same for what is stored and for what is asked.

They are made here and not in the stores, so that every store indexes the same ones.
"""

import re
import unicodedata

from .stemming import stem

# Letters and digits, with the marks that Indic and Thai letters carry; an underscore parts words.
_WORD = re.compile(r"(?:[^\W_]|[\u0900-\u0dff\u0e00-\u0eff])+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_APOSTROPHE = re.compile(r"['’](?:s|ve|re|ll|d|m|t)?\b")
# Chinese, Japanese and Korean, which no spaces part into words.
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+")

STOP_WORDS = frozenset(
    """
    a about above after again ago ain all also always am an and any anyone anything are aren as at back be because
    been before being below between both but by can cannot could couldn did didn do does doesn doing don done down
    during each either else ever every few for from further get gets getting go goes going gone gonna got gotten had
    hadn has hasn have haven having he hello her here hers herself hey hi him himself his how however i if im in
    instead into is isn it its itself just kind last let like ll lot lots made make makes many may me might mine more
    most much must my myself near never no nor not now of off oh ok okay on once one only onto or other our ours
    ourselves out over own per please quite rather re really same say says she should shouldn since so some someone
    something sometimes still such sure than thank thanks that the their theirs them themselves then there these
    they thing think things this those though through to today together tomorrow too toward under until up upon us used
    very via want wants was wasn way we well were weren what whatever when where whether which while who whom whose
    why will with within without won would wouldn yeah yes yesterday yet you your yours yourself yourselves
    """.split()
)


def terms(text: str) -> list[str]:
    """The terms of a text, in order and with repeats.

    Lower case, without stop words and accents, English ones stemmed; Chinese, Japanese and Korean
    as pairs of characters. Each consists of letters and digits only.
    """
    found: list[str] = []
    for word in _WORD.findall(_APOSTROPHE.sub("", _THOUSANDS.sub("", plain(text)))):
        start = 0
        for run in _CJK.finditer(word):
            _add(found, word[start : run.start()])
            found.extend(_pairs(run.group()))
            start = run.end()
        _add(found, word[start:])
    return found


def plain(text: str) -> str:
    """Lower case, one form for each character, Latin letters without their accents."""
    text = text.replace("’", "'")
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(char for char in apart if not "\u0300" <= char <= "\u036f"))


def _add(found: list[str], word: str) -> None:
    if word and word not in STOP_WORDS:
        found.append(stem(word))


def _pairs(run: str) -> list[str]:
    return [run] if len(run) == 1 else [run[place : place + 2] for place in range(len(run) - 1)]
