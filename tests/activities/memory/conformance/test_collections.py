"""Vectors of two models never meet: a store is begun for one, and migrated to another as a whole."""

from collections.abc import Sequence

import numpy as np
import pytest

from holdfast_activities.memory import Collection, Filter, MemoryStore, Vector
from holdfast_workflows.contracts.errors import BadInput, EmbeddingFailed, EmbeddingMismatch

from ..conftest import Stores
from .records import COLLECTION, OTHER, angle, embed, fact, ids

MANY = 600
"""More than are embedded together."""


async def test_a_store_is_begun_once_and_says_for_what(stores: Stores) -> None:
    store = await stores.open()
    assert await store.collection() is None
    await store.begin(COLLECTION)
    await store.begin(COLLECTION)
    assert await store.collection() == COLLECTION
    again = await stores.open()
    assert await again.collection() == COLLECTION
    await again.begin(COLLECTION)


@pytest.mark.parametrize(
    "other", [OTHER, Collection("test-model", 9), Collection()], ids=["model", "length", "none"]
)
async def test_a_store_of_other_vectors_is_refused_and_stays_as_it_is(
    stores: Stores, store: MemoryStore, other: Collection
) -> None:
    await store.put("acme", [fact("a", "word", angle(0))])
    later = await stores.open()
    with pytest.raises(EmbeddingMismatch, match="holdfast memory migrate"):
        await later.begin(other)
    assert await store.collection() == COLLECTION
    assert ids(await store.by_vector("acme", angle(0), Filter(), 10)) == ["a"]


async def test_a_store_of_words_takes_no_vectors_and_works_without(stores: Stores) -> None:
    store = await stores.open()
    await store.begin(Collection())
    assert await store.collection() == Collection()
    await store.put("acme", [fact("a", "word")])
    assert ids(await store.by_words("acme", ["word"], Filter(), 10)) == ["a"]
    with pytest.raises(BadInput):
        await store.put("acme", [fact("b", "word", angle(0))])
    with pytest.raises(BadInput):
        await store.by_vector("acme", angle(0), Filter(), 10)


async def test_a_store_of_words_may_be_begun_for_vectors_while_it_is_empty(stores: Stores) -> None:
    words = await stores.open()
    await words.begin(Collection())
    vectors = await stores.open()
    await vectors.begin(COLLECTION)
    await vectors.put("acme", [fact("a", "", angle(0))])
    assert ids(await vectors.by_vector("acme", angle(0), Filter(), 10)) == ["a"]


async def test_a_store_of_words_that_holds_some_is_migrated_to_vectors(stores: Stores) -> None:
    words = await stores.open()
    await words.begin(Collection())
    await words.put("acme", [fact("a", "word")])
    store = await stores.open()
    with pytest.raises(EmbeddingMismatch):
        await store.begin(COLLECTION)
    assert await store.migrate(COLLECTION, embed) == 1
    assert ids(await store.by_vector("acme", angle(0), Filter(), 10)) == ["a"]
    assert ids(await store.by_words("acme", ["word"], Filter(), 10)) == ["a"]


async def test_a_migration_embeds_every_record_and_serves_the_old_vectors_until_the_end(
    store: MemoryStore,
) -> None:
    records = [fact(f"{number:03}", "", angle(0)) for number in range(MANY)]
    await store.put("acme", records)
    await store.put("other", [fact("without a vector", "word")])
    seen: list[str] = []

    async def watched(texts: Sequence[str]) -> Sequence[Vector]:
        [best] = await store.by_vector("acme", angle(0), Filter(), 1)
        assert best.score == pytest.approx(1.0, abs=2e-3)
        assert await store.collection() == COLLECTION
        seen.extend(texts)
        return await embed(texts)

    assert await store.migrate(OTHER, watched) == MANY + 1
    assert sorted(seen) == sorted([*(record.text for record in records), "text of without a vector"])
    assert await store.collection() == OTHER
    found = await store.by_vector("acme", angle(0), Filter(), MANY)
    assert {round(each.score, 2) for each in found} == {
        round(float(np.cos(np.radians(len("text of 000")))), 2)
    }
    assert len(found) == MANY
    assert ids(await store.by_vector("other", angle(0), Filter(), 1)) == ["without a vector"]


async def test_a_migration_that_fails_leaves_the_old_vectors_and_the_next_begins_anew(
    store: MemoryStore,
) -> None:
    await store.put("acme", [fact(f"{number:03}", "", angle(0)) for number in range(MANY)])
    calls = 0

    async def failing(texts: Sequence[str]) -> Sequence[Vector]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise EmbeddingFailed
        return [angle(90) for _ in texts]

    with pytest.raises(EmbeddingFailed):
        await store.migrate(OTHER, failing)
    assert await store.collection() == COLLECTION
    found = await store.by_vector("acme", angle(0), Filter(), MANY)
    assert {round(each.score, 2) for each in found} == {1.0}
    await store.put("acme", [fact("later", "", angle(45))])
    assert await store.migrate(Collection("third-model", 8), embed) == MANY + 1
    found = await store.by_vector("acme", angle(0), Filter(), 2 * MANY)
    assert len(found) == MANY + 1
    assert not [each for each in found if each.score < 0.5]


async def test_what_is_put_changed_and_deleted_during_a_migration_is_so_after_it(store: MemoryStore) -> None:
    await store.put("acme", [fact(id, "word", angle(0)) for id in ("change", "delete", "keep")])
    begun = False

    async def busy(texts: Sequence[str]) -> Sequence[Vector]:
        nonlocal begun
        if not begun:
            begun = True
            await store.put("acme", [fact("change", "changed", angle(1)), fact("new", "word", angle(1))])
            await store.delete("acme", ["delete"])
        return await embed(texts)

    assert await store.migrate(OTHER, busy) == 3
    assert ids(await store.list("acme", Filter())) == ["change", "keep", "new"]
    assert set(ids(await store.by_vector("acme", angle(0), Filter(), 10))) == {"change", "keep", "new"}
    found = await store.get("acme", ["change", "keep", "new"])
    for record in found:
        assert record.vector is not None
        assert float(record.vector @ angle(len(record.text))) == pytest.approx(1.0, abs=2e-3)
    assert ids(await store.by_words("acme", ["changed"], Filter(), 10)) == ["change"]


async def test_a_migration_to_another_length_takes_new_vectors_of_that_length_only(
    store: MemoryStore,
) -> None:
    await store.put("acme", [fact("a", "", angle(0))])

    async def short(texts: Sequence[str]) -> Sequence[Vector]:
        return [np.array([0.6, 0.8], np.float32) for _ in texts]

    assert await store.migrate(Collection("short", 2), short) == 1
    assert ids(await store.by_vector("acme", np.array([1, 0], np.float32), Filter(), 10)) == ["a"]
    with pytest.raises(BadInput):
        await store.put("acme", [fact("b", "", angle(0))])
