"""The smallest case of each signal: without it the other memory ranks first."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from holdfast_activities.memory import Record, Scored
from holdfast_activities.memory.finding import Weights
from holdfast_activities.memory.finding.query import Query
from holdfast_activities.memory.finding.ranking import HALF_LIFE, rank
from holdfast_workflows.contracts.agent.memory import FLOOR

NOW = datetime(2023, 10, 18, tzinfo=UTC).timestamp()
DAY = 86_400.0


def _record(id: str, text: str = "", words: str = "dog", **fields: Any) -> Record:
    return replace(Record(id=id, scope="tenant", kind="turn", text=text, at=NOW, words=words), **fields)


def _order(question: str, hits: list[Scored], weights: Weights, *nearby: Record) -> list[str]:
    query = Query.read(question, NOW)
    about = query.speakers_named({hit.record.speaker for hit in hits} - {""})
    ranked = rank(query.without_names(about), about, hits, None, nearby, NOW, weights)
    return [found.record.id for found in ranked]


CASES = {
    "speaker": (
        "What is Ben's dog called?",
        [Scored(_record("ann", speaker="Ann"), 1.0), Scored(_record("ben", speaker="Ben"), 0.9)],
        "ben",
    ),
    "dates": (
        "Which dog was it in May 2023?",
        [
            Scored(_record("june", at=datetime(2022, 6, 3, tzinfo=UTC).timestamp()), 1.0),
            Scored(_record("may", at=datetime(2023, 5, 9, tzinfo=UTC).timestamp()), 0.9),
        ],
        "may",
    ),
    "when": (
        "When did the dog come?",
        [
            Scored(_record("how", "The dog barked."), 1.0),
            Scored(_record("when", "The dog came last Friday."), 0.99),
        ],
        "when",
    ),
    "previous": (
        "dog",
        [
            Scored(_record("alone", session="a", place=9), 1.0),
            Scored(_record("asked", session="b", place=1), 0.95),
            Scored(_record("answer", session="b", place=2), 0.97),
        ],
        "answer",
    ),
    "next": (
        "dog",
        [
            Scored(_record("alone", session="a", place=9), 1.0),
            Scored(_record("before", session="b", place=1), 0.97),
            Scored(_record("after", session="b", place=2), 0.95),
        ],
        "before",
    ),
    "session": (
        "dog",
        [
            Scored(_record("alone", at=NOW - 1, session="a", place=1), 0.8),
            Scored(_record("best", session="b", place=1), 1.0),
            Scored(_record("far", session="b", place=11), 0.75),
        ],
        "far",
    ),
    "short": (
        "dog",
        [
            Scored(_record("thanks", "Thanks, that dog!", session="a", place=1), 1.0),
            Scored(_record("told", "It is a brown dog with one white paw. " * 4, session="b", place=1), 0.95),
        ],
        "told",
    ),
    "question": (
        "dog",
        [
            Scored(_record("asks", "Is it a dog? ", session="a", place=1), 1.0),
            Scored(_record("says", "It is a dog!", session="b", place=1), 0.95),
        ],
        "says",
    ),
    "importance": (
        "dog",
        [Scored(_record("small", importance=0.1), 1.0), Scored(_record("great", importance=0.9), 0.99)],
        "great",
    ),
    "recency": (
        "dog",
        [Scored(_record("a-old", at=NOW - 900 * DAY), 1.0), Scored(_record("b-new", at=NOW), 1.0)],
        "b-new",
    ),
}


@pytest.mark.parametrize("signal", CASES)
def test_each_signal_decides_which_memory_ranks_first(signal: str) -> None:
    question, hits, first = CASES[signal]
    alone = replace(Weights(), previous=0.0, next=0.0, session=0.0, short=0.0, question=0.0)
    changes: dict[str, Any] = {signal: getattr(Weights(), signal)}
    on = replace(alone, **changes)
    without: dict[str, Any] = {signal: 0.0}
    off = replace(alone, **without)
    others = {"session": ["best"]}.get(signal, [])  # the session's best turn stays first
    assert next(id for id in _order(question, hits, on) if id not in others) == first
    assert next(id for id in _order(question, hits, off) if id not in others) != first


def test_a_vector_finds_a_memory_without_common_words() -> None:
    words = [Scored(_record("words"), 1.0)]
    vectors = [Scored(_record("meant", words="puppy"), 0.75), Scored(_record("words"), 0.1)]
    query = Query.read("dog wedding", NOW)
    assert rank(query, (), words, vectors, (), NOW, Weights())[0].record.id == "meant"
    assert rank(query, (), words, vectors, (), NOW, replace(Weights(), vectors=0.0))[0].record.id == "words"


def test_a_neighbour_of_a_hit_is_found_without_common_words() -> None:
    hit = Scored(_record("asked", session="s", place=1), 1.0)
    answer = _record("answer", words="brown", session="s", place=2)
    assert _order("dog", [hit], Weights(), answer) == ["asked", "answer"]


def test_an_old_important_fact_beats_a_fresh_unimportant_one() -> None:
    old = _record("old", kind="fact", importance=0.9, at=NOW - 5 * HALF_LIFE)
    fresh = _record("fresh", kind="fact", importance=0.3)
    assert _order("dog", [Scored(fresh, 1.0), Scored(old, 1.0)], Weights()) == ["old", "fresh"]


def test_recency_decays_and_never_excludes_a_memory() -> None:
    ages = [0.0, HALF_LIFE, 2 * HALF_LIFE, 60 * HALF_LIFE]
    hits = [Scored(_record(f"{number}", at=NOW - age), 1.0) for number, age in enumerate(ages)]
    query = Query.read("dog", NOW)
    scores = [found.score for found in rank(query, (), hits, None, (), NOW, Weights())]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] > 0.9 * scores[0]


def test_a_score_is_between_0_and_1_and_explained() -> None:
    hits = [Scored(_record("ben", speaker="Ben", session="s", place=1), 20.0)]
    query = Query.read("What is Ben's dog called?", NOW)
    [found] = rank(
        query.without_names(["Ben"]), {"Ben"}, hits, [Scored(hits[0].record, 0.8)], (), NOW, Weights()
    )
    assert 0.3 < found.score < 1.0
    assert found.why.startswith("words ")
    assert "vector 1.00, speaker" in found.why


def test_unknown_words_of_the_query_lower_the_score() -> None:
    hits = [Scored(_record("day", words="day"), 3.0)]
    known = rank(Query.read("sunny day", NOW), (), hits, None, (), NOW, Weights())[0].score
    unknown = rank(
        Query.read("amortised depreciation schedule of a fiscal day", NOW), (), hits, None, (), NOW, Weights()
    )[0].score
    assert unknown < 0.3 < known


def test_signals_never_make_an_irrelevant_memory_relevant() -> None:
    hit = Scored(_record("x", "It was last May.", words="day", speaker="Ben", at=NOW - 160 * DAY), 3.0)
    query = Query.read("When in May did Ben schedule amortised fiscal depreciation, which day?", NOW)
    [found] = rank(
        query.without_names(["Ben"]), {"Ben"}, [hit], [Scored(hit.record, 0.1)], (), NOW, Weights()
    )
    assert found.score < 0.3


def test_equal_scores_are_ordered_by_id() -> None:
    hits = [Scored(_record(id), 1.0) for id in "cab"]
    assert _order("dog", hits, Weights()) == ["a", "b", "c"]


def test_no_candidates_give_no_results() -> None:
    assert rank(Query.read("dog", NOW), (), (), (), (), NOW, Weights()) == []


@pytest.mark.parametrize(("cosine", "found"), [(0.414, True), (0.35, False)])
def test_a_vector_alone_reaches_the_floor(cosine: float, found: bool) -> None:
    """Cosines of MiniLM: of a paraphrase, and about the highest of unrelated questions."""
    turn = _record("rex", "My dog is called Rex.", session="s", place=1)
    nearby = [_record(str(place), words="weather", session="s", place=place) for place in (0, 2, 3)]
    query = Query.read("What is the name of Ann's pet?", NOW)
    [best, *_] = rank(query, (), [], [Scored(turn, cosine)], nearby, NOW, Weights())
    assert best.record.id == "rex"
    assert (best.score >= FLOOR) is found
