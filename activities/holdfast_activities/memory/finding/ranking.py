"""How candidates become a ranking, with a score that means the same for every query.

Words and vector are each brought to 0..1 and summed by weight; what speaker, neighbours,
session and dates say is added in proportion to the best of these sums, so that it can
order what is relevant but never make relevant what is not. What each pays: ``benchmarks/retrieval.py``.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ..base import Record, Scored
from .dates import nearness, spans, tells_time
from .query import Query

_DAY = 86_400.0
HALF_LIFE = 180 * _DAY
"""Seconds after which a memory's recency is half of what it was."""
_SURENESS = 1.4
"""How fast a score rises to 1: the best that 24 unrelated queries found in each of 20 conversations scored just below 0.3."""
_DOUBT = 1.25
"""How much less than its share a query counts of which only a part is known."""
_MEANING = 0.85
"""The part of its weight that a vector counts with where nothing else speaks for a memory: "the name of Ann's pet" and
"my dog is called Rex" have no word in common, and what was said around that was about something else."""
_ALONE = ""
_FEW = 20
"""So many memories at least are taken to have been searched: the first few must not make every word a common one."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What each signal counts; 0 leaves it out.

    ``names`` is whether speakers' names are left out of what is looked for, and the query put in the first person.
    """

    words: float = 1.0
    vectors: float = 0.7
    speaker: float = 0.5
    neighbours: float = 0.3
    session: float = 0.25
    dates: float = 0.5
    when: float = 0.05
    recency: float = 0.02
    importance: float = 0.1
    names: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """A memory that was found, with its relevance from 0 to 1 and, in words, what that was made of."""

    record: Record
    score: float
    why: str


@dataclass(slots=True)
class _Candidate:
    record: Record
    words: float = 0.0
    vector: float = 0.0
    base: float = 0.0
    score: float = 0.0
    extras: dict[str, float] = field(default_factory=dict[str, float])


def rank(
    query: Query,
    about: Collection[str],
    by_words: Sequence[Scored],
    by_vector: Sequence[Scored] | None,
    beside: Sequence[Record],
    now: float,
    weights: Weights,
    limit: int | None = None,
) -> list[Found]:
    """The best of the candidates, best first.

    ``about`` are the speakers whom the query asks about; ``by_vector`` is None where there is no embedder;
    ``beside`` are turns near the best of both.
    """
    hits = (*by_words, *(by_vector or ()))
    candidates = {record.id: _Candidate(record) for record in (*beside, *(hit.record for hit in hits))}
    _score_words(query, by_words, candidates)
    for hit in by_vector or ():
        candidates[hit.record.id].vector = vector_score(hit.score)
    shares = (weights.words, 0.0 if by_vector is None else weights.vectors)
    for one in candidates.values():
        one.base = (shares[0] * one.words + shares[1] * one.vector) / (sum(shares) or 1.0)
    best = max((one.base for one in candidates.values()), default=0.0)
    if best <= 0.0:
        return []
    _add_extras(query, about, candidates, best, weights)
    for one in candidates.values():
        one.score = _score(one, best, now, weights)
    ranked = sorted(candidates.values(), key=lambda one: (-one.score, one.record.id))
    return [Found(one.record, one.score, _why(one)) for one in ranked[:limit]]


def vector_score(cosine: float) -> float:
    """A cosine as a relevance: 0 for what any two sentences have, 1 for the same said in other words."""
    return min(1.0, max(0.0, (cosine - 0.15) / 0.6))


def _score_words(query: Query, hits: Sequence[Scored], candidates: Mapping[str, _Candidate]) -> None:
    """BM25 relative to the best, times how much of the query the best cover: the part that is absolute.

    A term that no memory holds counts as the rarest: a query of which only "day" is known is not
    answered by any memory of any day.
    """
    best = max((hit.score for hit in hits), default=0.0)
    if best <= 0.0:
        return
    held = [frozenset(hit.record.words.split()) for hit in hits]
    number = max(len(hits), _FEW)
    total, covered = 0.0, [0.0] * len(held)
    for unit in query.units:
        shares = [unit.share(words) for words in held]
        weight = unit.weight * math.log(1.0 + (number + 0.5) / (sum(shares) + 0.5))
        total += weight
        covered = [sum_ + weight * share for sum_, share in zip(covered, shares, strict=True)]
    coverage = max(covered) / total
    for hit in hits:
        candidates[hit.record.id].words = coverage**_DOUBT * hit.score / best


def _add_extras(
    query: Query, about: Collection[str], candidates: Mapping[str, _Candidate], best: float, weights: Weights
) -> None:
    every = candidates.values()
    turns = {(one.record.session, one.record.place): one.base for one in every if _in_session(one.record)}
    sessions = _session_scores(turns)
    for one in every:
        record = one.record
        if record.speaker in about:
            one.extras["speaker"] = weights.speaker
        if _in_session(record):
            near = sum(turns.get((record.session, record.place + step), 0.0) for step in (-1, 1)) / 2
            one.extras["neighbours"] = weights.neighbours * near / best
            one.extras["session"] = weights.session * sessions[record.session] / best
        else:
            # What has no surroundings counts for its own, so that it does not come after all that have some.
            one.extras[_ALONE] = (weights.neighbours + weights.session) * one.base / best
        if query.spans:
            one.extras["date"] = weights.dates * _date_match(query, record)
        elif query.asks_when and tells_time(record.text):
            one.extras["time"] = weights.when


def _in_session(record: Record) -> bool:
    return record.kind == "turn" and bool(record.session)


def _session_scores(turns: Mapping[tuple[str, int], float]) -> dict[str, float]:
    """The mean of each session's best three."""
    of: dict[str, list[float]] = defaultdict(list)
    for (session, _), score in turns.items():
        of[session].append(score)
    return {session: sum(sorted(scores)[-3:]) / 3 for session, scores in of.items()}


def _date_match(query: Query, record: Record) -> float:
    """How well a memory's own time, or one that it names, fits a time that the query names."""
    told = spans(record.text, record.at) if tells_time(record.text) else ()
    times = [record.at, *((span.start + span.end) / 2 for span in told)]
    return max(nearness(at, span) for at in times for span in query.spans)


def _score(one: _Candidate, best: float, now: float, weights: Weights) -> float:
    age = max(0.0, now - one.record.at)
    factor = (
        1.0 + weights.recency * 0.5 ** (age / HALF_LIFE) + weights.importance * (one.record.importance - 0.5)
    )
    evidence = one.base + best * sum(one.extras.values())
    evidence = max(evidence, _MEANING * weights.vectors * one.vector) * factor
    return 1.0 - math.exp(-_SURENESS * evidence)


def _why(one: _Candidate) -> str:
    both = (("words", one.words), ("vector", one.vector))
    parts = [f"{name} {value:.2f}" for name, value in both if value > 0.0]
    return ", ".join(
        [*parts, *(name for name, value in one.extras.items() if value >= 0.05 and name != _ALONE)]
    )
