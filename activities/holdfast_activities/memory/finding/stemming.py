"""English stems: irregular forms from a table, the rest by the Snowball stemmer.

Words of other languages may be stemmed too, which is harmless: queries and memories are treated alike.
"""

from functools import lru_cache
from typing import Any

import Stemmer  # type: ignore[import-not-found] # it has no types

_FORMS = (
    "be: been being; become: became; begin: began begun; bite: bit bitten; break: broke broken; "
    "bring: brought; build: built; buy: bought; catch: caught; child: children; choose: chose chosen; "
    "come: came; draw: drew drawn; drink: drank drunk; drive: drove driven; eat: ate eaten; "
    "fall: fell fallen; feel: felt; fight: fought; find: found; fly: flew flown; foot: feet; "
    "forget: forgot forgotten; get: got gotten; give: gave given; go: went gone goes; grow: grew grown; "
    "hear: heard; hold: held; keep: kept; know: knew known; leave: left; lose: lost; make: made; man: men; "
    "meet: met; mouse: mice; pay: paid; person: people; ride: rode ridden; ring: rang rung; "
    "run: ran; say: said; see: saw seen; sell: sold; send: sent; sing: sang sung; sleep: slept; "
    "speak: spoke spoken; spend: spent; steal: stole stolen; swim: swam swum; take: took taken; "
    "teach: taught; tell: told; think: thought; throw: threw thrown; tooth: teeth; understand: understood; "
    "wake: woke woken; wear: wore worn; wife: wives; win: won; woman: women; write: wrote written"
)
_IRREGULAR = {
    form: base for base, forms in (verb.split(": ") for verb in _FORMS.split("; ")) for form in forms.split()
}
# Without its own cache, which is not safe between threads.
_SNOWBALL: Any = Stemmer.Stemmer("english", 0)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - it has no types


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return the stem of a lower-case word; words with letters other than a to z stay unchanged."""
    word = _IRREGULAR.get(word, word)
    return str(_SNOWBALL.stemWord(word)) if len(word) > 3 and word.isascii() and word.isalpha() else word
