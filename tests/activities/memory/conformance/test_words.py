"""Searching by words: BM25 over the terms, within one tenant."""

import math

import pytest

from holdfast_activities.memory import Filter, MemoryStore
from tests.activities.memory.conformance.records import angle, fact, ids
from tests.activities.memory.conftest import Stores

DOCUMENTS = {
    "a": "cat sat mat",
    "b": "cat cat cat sat",
    "c": "dog",
    "d": "dog sat log long way away home",
    "e": "bird",
}


def bm25(documents: dict[str, str], terms: list[str]) -> dict[str, float]:
    """The scores of documents, by the book."""
    split = {id: words.split() for id, words in documents.items()}
    average = sum(map(len, split.values())) / len(split)
    scores: dict[str, float] = {}
    for term in terms:
        having = [id for id, words in split.items() if term in words]
        idf = math.log(1 + (len(split) - len(having) + 0.5) / (len(having) + 0.5))
        for id in having:
            often = split[id].count(term)
            norm = 1.2 * (1 - 0.75 + 0.75 * len(split[id]) / average)
            scores[id] = scores.get(id, 0) + idf * often * 2.2 / (often + norm)
    return scores


@pytest.fixture
async def filled(store: MemoryStore) -> MemoryStore:
    await store.put("acme", [fact(id, words) for id, words in DOCUMENTS.items()])
    return store


@pytest.mark.parametrize(
    "terms", [["cat"], ["sat"], ["cat", "sat"], ["dog", "bird", "mat"], ["home", "absent"]]
)
async def test_records_with_any_of_the_terms_are_found_best_first_by_bm25(
    filled: MemoryStore, terms: list[str]
) -> None:
    found = await filled.by_words("acme", terms, Filter(), 10)
    expected = bm25(DOCUMENTS, terms)
    assert {each.record.id: each.score for each in found} == pytest.approx(expected, rel=1e-3)
    assert ids(found) == sorted(expected, key=lambda id: -expected[id])
    assert [each.record for each in found] == [fact(id, DOCUMENTS[id]) for id in ids(found)]


async def test_the_limit_keeps_the_best(filled: MemoryStore) -> None:
    everything = await filled.by_words("acme", ["cat", "sat"], Filter(), 10)
    assert await filled.by_words("acme", ["cat", "sat"], Filter(), 2) == everything[:2]


async def test_a_term_given_twice_counts_once(filled: MemoryStore) -> None:
    once = await filled.by_words("acme", ["cat", "dog"], Filter(), 10)
    assert await filled.by_words("acme", ["cat", "dog", "cat"], Filter(), 10) == once


async def test_no_terms_and_unknown_terms_find_nothing(filled: MemoryStore) -> None:
    assert await filled.by_words("acme", [], Filter(), 10) == []
    assert await filled.by_words("acme", ["ca", "catt", "CAT", "", "text"], Filter(), 10) == []


async def test_another_tenants_words_change_no_score(filled: MemoryStore) -> None:
    before = await filled.by_words("acme", ["cat", "dog"], Filter(), 10)
    await filled.put("other", [fact(f"{number}", "cat " * (number % 7 + 1)) for number in range(200)])
    assert await filled.by_words("acme", ["cat", "dog"], Filter(), 10) == before
    assert len(await filled.by_words("other", ["cat"], Filter(), 500)) == 200


async def test_a_filter_changes_no_score(stores: Stores, filled: MemoryStore) -> None:
    await filled.put("acme", [fact(id, words, scope=f"user:{id}") for id, words in DOCUMENTS.items()])
    found = await filled.by_words("acme", ["cat"], Filter(scopes=("user:a",)), 10)
    expected = bm25(DOCUMENTS, ["cat"])["a"]
    assert [each.score for each in found] == pytest.approx([expected], rel=1e-3 + stores.drift)


async def test_scores_follow_what_is_changed_and_removed(stores: Stores, filled: MemoryStore) -> None:
    await filled.put("acme", [fact("a", "cat dog"), fact("f", "cat")])
    await filled.delete("acme", ["b"])
    documents = {**DOCUMENTS, "a": "cat dog", "f": "cat"}
    del documents["b"]
    found = await filled.by_words("acme", ["cat", "sat"], Filter(), 10)
    assert {each.record.id: each.score for each in found} == pytest.approx(
        bm25(documents, ["cat", "sat"]), rel=1e-3 + stores.drift
    )


@pytest.mark.parametrize(
    "term",
    [
        "größe",
        "日本語",
        "🙂",
        "naïve",
        "o'neil",
        'say"so"',
        "c++",
        "a-b",
        "near",
        "or",
        "x*",
        "2024-05-01",
        "a:b",
        "%_",
    ],
)
async def test_terms_are_taken_as_they_are(store: MemoryStore, term: str) -> None:
    await store.put("acme", [fact("a", f"before {term} after"), fact("b", "before grosse nav after")])
    assert ids(await store.by_words("acme", [term], Filter(), 10)) == ["a"]


async def test_records_without_words_are_found_by_no_words_and_disturb_none(
    stores: Stores, filled: MemoryStore
) -> None:
    before = await filled.by_words("acme", ["cat"], Filter(), 10)
    await filled.put("acme", [fact("without", "", angle(0))])
    after = await filled.by_words("acme", ["cat"], Filter(), 10)
    assert ids(after) == ids(before)
    scores = [each.score for each in before]
    assert [each.score for each in after] == pytest.approx(scores, rel=1e-9 + stores.drift)
