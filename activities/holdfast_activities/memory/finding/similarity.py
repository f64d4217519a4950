"""Compare texts by their terms, weighted by rarity (TF-IDF)."""

import math
from collections import Counter
from collections.abc import Collection, Mapping


def rarity(bags: Collection[Counter[str]]) -> dict[str, float]:
    """Return the weight of each term; rare terms have a greater one."""
    frequency = Counter(term for bag in bags for term in bag)
    return {term: math.log(1 + len(bags) / count) for term, count in frequency.items()}


def unit(bag: Counter[str], weights: Mapping[str, float]) -> dict[str, float]:
    """Return the vector of some terms, with length 1; length 0 without a known term."""
    vector = {term: count * weights.get(term, 0.0) for term, count in bag.items()}
    length = math.sqrt(sum(value**2 for value in vector.values())) or 1.0
    return {term: value / length for term, value in vector.items()}


def cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return the similarity of two such vectors, from 0 to 1."""
    return sum(value * other.get(term, 0.0) for term, value in one.items())
