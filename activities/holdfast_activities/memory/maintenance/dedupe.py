"""When two facts say the same: only then is one merged with the other, and its words are lost.

Vectors alone do not tell: "bought the car" and "sold the car" are nearer to each other than
most paraphrases, as are two cats and three. So what is merged must say nothing that the
other does not, with the same figures, the same negations and the same names in the same
order; how near the vectors are comes after that.
"""

import re

from ..finding.terms import terms

NEAR = 0.93
"""The cosine from which two such facts are the same."""

OVERLAP = 0.9
"""The share of common terms from which they are, where there are no vectors or these are further apart."""

_PLAIN = re.compile(r"[\W_]+")
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_NEGATION = re.compile(r"(?i)\b(?:not|no|nor|never|none|nobody|nothing|without|cannot)\b|n['’]t\b")
_NAME = re.compile(r"\b[^\W\d_a-z]\w*")


def normal(text: str) -> str:
    """A text without what its meaning does not depend on: case, spaces, marks."""
    return _PLAIN.sub(" ", text.casefold()).strip()


def same(there: str, new: str, cosine: float = 0.0) -> bool:
    """Whether a new fact says what one that is there says already.

    Args:
        there: The text of the one that is there.
        new: The text of the new one.
        cosine: Of their vectors; 0 where there are none.
    """
    if normal(there) == normal(new):
        return True
    held, told = set(terms(there)), set(terms(new))
    if not told or not told <= held or _marks(there) != _marks(new):
        return False
    return cosine >= NEAR or len(told) / len(held) >= OVERLAP


def _marks(text: str) -> tuple[list[str], int, list[str]]:
    # The first word of a sentence passes for a name: a copy too many does less harm than a fact lost.
    names = [name.lower() for name in _NAME.findall(text) if terms(name)]
    return sorted(_FIGURE.findall(text)), len(_NEGATION.findall(text)), names
