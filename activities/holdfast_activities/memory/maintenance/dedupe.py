"""Decide whether two facts say the same and can be merged; the wording of the new one is lost then.

Vectors alone are not enough: "bought the car" and "sold the car" are closer than most paraphrases. A fact is merged
only if it adds no term, and has the same figures, negations and names in the same order.
"""

import re

from ..finding.terms import terms

NEAR = 0.93  # minimum cosine of two such facts
OVERLAP = 0.9  # minimum share of common terms, if the vectors are missing or less similar

_PLAIN = re.compile(r"[\W_]+")
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_NEGATION = re.compile(r"(?i)\b(?:not|no|nor|never|none|nobody|nothing|without|cannot)\b|n['’]t\b")
_NAME = re.compile(r"\b[^\W\d_a-z]\w*")


def normal(text: str) -> str:
    """Normalise case, spaces and punctuation."""
    return _PLAIN.sub(" ", text.casefold()).strip()


def same(there: str, new: str, cosine: float = 0.0) -> bool:
    """Whether a new fact says the same as an existing one; ``cosine`` is 0 without vectors."""
    if normal(there) == normal(new):
        return True
    old_terms, new_terms = set(terms(there)), set(terms(new))
    if not new_terms or not new_terms <= old_terms or _marks(there) != _marks(new):
        return False
    return cosine >= NEAR or len(new_terms) / len(old_terms) >= OVERLAP


def _marks(text: str) -> tuple[list[str], int, list[str]]:
    # The first word of a sentence counts as a name: a duplicate does less harm than a lost fact.
    names = [name.lower() for name in _NAME.findall(text) if terms(name)]
    return sorted(_FIGURE.findall(text)), len(_NEGATION.findall(text)), names
