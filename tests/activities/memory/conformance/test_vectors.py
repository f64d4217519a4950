"""Searching by vector: exact order by cosine."""

import numpy as np
import pytest

from holdfast_activities.memory import Filter, MemoryStore

from .records import DIMENSION, angle, fact, ids


async def test_the_nearest_come_first_with_their_cosines(store: MemoryStore) -> None:
    degrees = {"a": 50, "b": 5, "c": 120, "d": 180, "e": 0, "f": 20}
    await store.put("acme", [fact(id, "", angle(at)) for id, at in degrees.items()])
    found = await store.by_vector("acme", angle(0), Filter(), 10)
    assert ids(found) == ["e", "b", "f", "a", "c", "d"]
    expected = [np.cos(np.radians(degrees[each.record.id])) for each in found]
    assert [each.score for each in found] == pytest.approx(expected, abs=2e-3)
    assert ids(await store.by_vector("acme", angle(0), Filter(), 2)) == ["e", "b"]
    assert all(each.record.vector is None for each in found)


async def test_the_ten_nearest_of_many_are_those_that_brute_force_finds(store: MemoryStore) -> None:
    random = np.random.default_rng(5)
    vectors = random.normal(size=(600, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    records = [fact(f"{number:03}", "", vector) for number, vector in enumerate(vectors)]
    await store.put("acme", records)
    stored = {record.id: record.vector for record in await store.get("acme", [each.id for each in records])}
    queries = random.normal(size=(20, DIMENSION)).astype(np.float32)
    for query in queries / np.linalg.norm(queries, axis=1, keepdims=True):
        cosines = {
            id: float(vector @ query) / float(np.linalg.norm(vector))
            for id, vector in stored.items()
            if vector is not None
        }
        expected = sorted(cosines, key=lambda id: -cosines[id])[:10]
        assert ids(await store.by_vector("acme", query, Filter(), 10)) == expected


async def test_records_without_vectors_are_not_found_by_one(store: MemoryStore) -> None:
    await store.put("acme", [fact("a", "word"), fact("b", "word", angle(10))])
    assert ids(await store.by_vector("acme", angle(0), Filter(), 10)) == ["b"]


async def test_what_was_put_after_a_search_is_found_by_the_next(store: MemoryStore) -> None:
    for number in range(20):
        await store.put("acme", [fact(f"{number}", "", angle(90 - number))])
        assert ids(await store.by_vector("acme", angle(0), Filter(), 1)) == [f"{number}"]


async def test_what_a_change_of_scope_or_expiry_means_is_seen_by_the_next_search(store: MemoryStore) -> None:
    await store.put("acme", [fact("a", "", angle(0), "user:1"), fact("b", "", angle(1), "user:1")])
    assert ids(await store.by_vector("acme", angle(0), Filter(scopes=("user:1",)), 5)) == ["a", "b"]
    await store.put("acme", [fact("a", "", angle(0), "user:2")])
    assert ids(await store.by_vector("acme", angle(0), Filter(scopes=("user:1",)), 5)) == ["b"]
    assert ids(await store.by_vector("acme", angle(0), Filter(scopes=("user:2",)), 5)) == ["a"]
