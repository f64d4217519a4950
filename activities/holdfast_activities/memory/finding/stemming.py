"""A light English stemmer with irregular forms. It under-stems; vectors find the rest.

Words of other languages may be stemmed too, which is harmless: queries and memories are treated alike.
"""

from functools import lru_cache

_FORMS = (
    "be: been being; become: became; begin: began begun; bite: bit bitten; break: broke broken; "
    "bring: brought; build: built; buy: bought; catch: caught; child: children; choose: chose chosen; "
    "come: came; draw: drew drawn; drink: drank drunk; drive: drove driven; eat: ate eaten; "
    "fall: fell fallen; feel: felt; fight: fought; find: found; fly: flew flown; foot: feet; "
    "forget: forgot forgotten; get: got gotten; give: gave given; go: went gone goes; grow: grew grown; "
    "hear: heard; hold: held; keep: kept; know: knew known; leave: left; lose: lost; make: made; man: men; "
    "meet: met; mouse: mice; pay: paid; person: people; read: reads; ride: rode ridden; ring: rang rung; "
    "run: ran; say: said; see: saw seen; sell: sold; send: sent; sing: sang sung; sleep: slept; "
    "speak: spoke spoken; spend: spent; steal: stole stolen; swim: swam swum; take: took taken; "
    "teach: taught; tell: told; think: thought; throw: threw thrown; tooth: teeth; understand: understood; "
    "wake: woke woken; wear: wore worn; wife: wives; win: won; woman: women; write: wrote written"
)
_IRREGULAR = {
    form: base for base, forms in (verb.split(": ") for verb in _FORMS.split("; ")) for form in forms.split()
}
_VOWELS = frozenset("aeiouy")
_DOUBLED = frozenset("bdgklmnprt")
# Suffixes, longest first, and their replacements.
_ENDINGS = (
    ("ization", "iz"),
    ("ational", "at"),
    ("fulness", "ful"),
    ("ations", "at"),
    ("ation", "at"),
    ("ators", "at"),
    ("ator", "at"),
    ("ness", ""),
    ("ment", ""),
    ("ions", ""),
    ("ion", ""),
    ("ally", ""),
    ("ful", ""),
    ("ly", ""),
)


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return the stem of a lower-case word; words with letters other than a to z stay unchanged."""
    if word in _IRREGULAR:
        word = _IRREGULAR[word]
    if len(word) < 4 or not (word.isascii() and word.isalpha()):
        return word
    word = _verb(_plural(word))
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word[: -len(ending)] + instead
            break
    if word.endswith("e") and len(word) > 3:
        word = word[:-1]
    if word.endswith("y") and len(word) > 3 and word[-2] not in _VOWELS:
        word = word[:-1] + "i"
    return word


def _plural(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + ("y" if len(word) > 4 else "ie")
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _verb(word: str) -> str:
    """Strip -ed or -ing if a syllable remains: ``planned`` and ``planning`` become ``plan``."""
    if word.endswith("ied") and len(word) > 4:
        return word[:-3] + "y"
    for ending in ("ing", "ed"):
        rest = word[: -len(ending)]
        if word.endswith(ending) and len(rest) >= 3 and _VOWELS & set(rest):
            return rest[:-1] if rest[-1] == rest[-2] and rest[-1] in _DOUBLED else rest
    return word
