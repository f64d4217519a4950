"""Rank candidates with a score that is comparable between queries.

Word and vector scores are scaled to 0..1 and summed by weight. Speaker, neighbours, session and dates add a share
of the best sum, so they reorder relevant memories but never make irrelevant ones relevant. Their effect is
measured in ``benchmarks/retrieval.py``.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ..base import Record, Scored
from .dates import extract, names_a_time, nearness
from .query import Query

_NO_NEIGHBOURS = ""
HALF_LIFE = 180 * 86_400.0
"""Seconds after which a memory's recency has halved."""
_STEEPNESS = 1.3
"""How fast a score rises to 1. Set so that of 24 unrelated queries to each conversation of the benchmark about nine in
ten find nothing that scores 0.3."""
_COVERAGE_EXPONENT = 1.25
"""Penalises queries of which only some words are known."""
_VECTOR_ONLY = 0.9
"""Share of its weight that a vector keeps without any other evidence: "the name of Ann's pet" and "my dog is called
Rex" have no word in common."""
_FULL_LENGTH = 120
"""Characters from which a turn is not short: about two sentences."""
_MIN_MEMORIES = 20
"""Minimum number of memories assumed for rarity: among few memories every word would look common."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Weight of each signal; 0 disables it.

    Set on one half of the two sets of ``benchmarks/retrieval.py``, rounded, and between them and those fitted on
    public dialogues where the two differ. What each is worth on the other half: ``benchmarks/MEMORY.md``.

    Attributes:
        words: BM25.
        vectors: Cosine.
        speaker: The query names the speaker.
        previous: Score of the previous turn: an answer follows its question.
        next: Score of the next turn.
        session: Score of the session's best turn.
        dates: The query names a time that fits.
        when: The query asks for a time, and the text names one.
        short: Subtracted from an empty turn, and in part from a short one, such as "Thanks, Ann!".
        question: Subtracted from a turn that ends in a question mark.
        recency: Halves with every half-life.
        importance: As it is stored.
        names: Remove speakers' names from the search terms, and rewrite the query in the first person.
    """

    words: float = 1.0
    vectors: float = 0.7
    speaker: float = 0.6
    previous: float = 0.3
    next: float = 0.1
    session: float = 0.5
    dates: float = 1.3
    when: float = 0.25
    short: float = 0.15
    question: float = 0.15
    recency: float = 0.02
    importance: float = 0.1
    names: bool = True


@dataclass(frozen=True, slots=True)
class Ranked:
    """A memory with its score from 0 to 1 and an explanation of the score."""

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
    nearby: Sequence[Record],
    now: float,
    weights: Weights,
    limit: int | None = None,
) -> list[Ranked]:
    """Rank the candidates, best first.

    ``about`` are the speakers named in the query; ``by_vector`` is None without an embedder; ``nearby`` are turns
    near the top hits.
    """
    hits = (*by_words, *(by_vector or ()))
    candidates = {record.id: _Candidate(record) for record in (*nearby, *(hit.record for hit in hits))}
    _score_words(query, by_words, candidates)
    for hit in by_vector or ():
        # Unrelated sentences have a cosine of about 0.15, paraphrases 0.75.
        candidates[hit.record.id].vector = min(1.0, max(0.0, (hit.score - 0.15) / 0.6))
    vectors = 0.0 if by_vector is None else weights.vectors
    for one in candidates.values():
        one.base = (weights.words * one.words + vectors * one.vector) / (weights.words + vectors or 1.0)
    best = max((one.base for one in candidates.values()), default=0.0)
    if best <= 0.0:
        return []
    _add_extras(query, about, candidates, best, weights)
    for one in candidates.values():
        one.score = _score(one, best, now, weights)
    ranked = sorted(candidates.values(), key=lambda one: (-one.score, one.record.id))
    return [Ranked(one.record, one.score, _why(one)) for one in ranked[:limit]]


def _score_words(query: Query, hits: Sequence[Scored], candidates: Mapping[str, _Candidate]) -> None:
    """Score by BM25 relative to the best hit, times the share of the query that the best hit covers.

    An unknown term counts as the rarest, so a query of which only "day" is known has no good hit.
    """
    best = max((hit.score for hit in hits), default=0.0)
    if best <= 0.0:
        return
    words = [frozenset(hit.record.words.split()) for hit in hits]
    number = max(len(hits), _MIN_MEMORIES)
    total, covered = 0.0, [0.0] * len(words)
    for unit in query.units:
        shares = [unit.share(each) for each in words]
        weight = unit.weight * math.log(1.0 + (number + 0.5) / (sum(shares) + 0.5))
        total += weight
        covered = [sum_ + weight * share for sum_, share in zip(covered, shares, strict=True)]
    coverage = max(covered) / total
    for hit in hits:
        candidates[hit.record.id].words = coverage**_COVERAGE_EXPONENT * hit.score / best


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
            near = sum(
                weight * turns.get((record.session, record.place + step), 0.0)
                for step, weight in ((-1, weights.previous), (1, weights.next))
            )
            one.extras["neighbours"] = near / best
            one.extras["short"] = -weights.short * max(0.0, 1.0 - len(record.text) / _FULL_LENGTH)
            if record.text.rstrip().endswith("?"):
                one.extras["question"] = -weights.question
            one.extras["session"] = weights.session * sessions[record.session] / best
        else:
            # Without neighbours its own score is used, so that it does not rank below everything that has some.
            one.extras[_NO_NEIGHBOURS] = (weights.previous + weights.next + weights.session) * one.base / best
        if query.spans:
            one.extras["date"] = weights.dates * _date_match(query, record)
        elif query.asks_when and names_a_time(record.text):
            one.extras["time"] = weights.when


def _in_session(record: Record) -> bool:
    return record.kind == "turn" and bool(record.session)


def _session_scores(turns: Mapping[tuple[str, int], float]) -> dict[str, float]:
    """Return the best score of each session."""
    best: dict[str, float] = defaultdict(float)
    for (session, _), score in turns.items():
        best[session] = max(best[session], score)
    return best


def _date_match(query: Query, record: Record) -> float:
    """Return how well the time of a memory, or a time it names, fits a time in the query."""
    named = extract(record.text, record.at)[0] if names_a_time(record.text) else ()
    times = [record.at, *((span.start + span.end) / 2 for span in named)]
    return max(nearness(at, span) for at in times for span in query.spans)


def _score(one: _Candidate, best: float, now: float, weights: Weights) -> float:
    age = max(0.0, now - one.record.at)
    recency = weights.recency * 0.5 ** (age / HALF_LIFE)
    importance = weights.importance * (one.record.importance - 0.5)
    evidence = one.base + best * sum(one.extras.values())
    evidence = max(evidence, _VECTOR_ONLY * weights.vectors * one.vector) * (1.0 + recency + importance)
    return 1.0 - math.exp(-_STEEPNESS * evidence)


def _why(one: _Candidate) -> str:
    scores = (("words", one.words), ("vector", one.vector))
    parts = [f"{name} {value:.2f}" for name, value in scores if value > 0.0]
    parts += (name for name, value in one.extras.items() if value >= 0.05 and name != _NO_NEIGHBOURS)
    return ", ".join(parts)
