"""Search: index terms, query parsing, ranking of candidates from any store.

Turns are also indexed by their neighbours' words: add them with ``turn_records``, remove them with ``neighbours_without``.
"""

from .finding import Finder
from .ranking import Ranked, Weights
from .terms import terms
from .units import VERSION
from .windows import embeddable, fact_words, neighbours_without, new_words, turn_records

__all__ = [
    "VERSION",
    "Finder",
    "Ranked",
    "Weights",
    "embeddable",
    "fact_words",
    "neighbours_without",
    "new_words",
    "terms",
    "turn_records",
]
