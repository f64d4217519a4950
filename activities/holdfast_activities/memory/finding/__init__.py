"""Finding memories: the words they are found by, what a query means, how candidates are ranked.

A turn is put by way of ``turn_records`` and taken away by way of ``mended``, since turns are
found by their neighbours' words, too. ``Finder`` looks for candidates in a store, whichever
it is, and ranks them the same.
"""

from .finding import Finder
from .ranking import Found, Weights
from .terms import terms
from .units import VERSION
from .windows import embeddable, fact_words, mended, turn_records, words_anew

__all__ = [
    "VERSION",
    "Finder",
    "Found",
    "Weights",
    "embeddable",
    "fact_words",
    "mended",
    "terms",
    "turn_records",
    "words_anew",
]
