"""Search: index terms, query parsing, ranking of candidates from any store.

Turns are also indexed by their neighbours' words: add them with ``turn_records``, remove them with ``mended``.
"""

from .finding import Finder
from .ranking import Found, Weights
from .terms import terms
from .units import VERSION
from .windows import embeddable, fact_words, mended, new_words, turn_records

__all__ = [
    "VERSION",
    "Finder",
    "Found",
    "Weights",
    "embeddable",
    "fact_words",
    "mended",
    "new_words",
    "terms",
    "turn_records",
]
