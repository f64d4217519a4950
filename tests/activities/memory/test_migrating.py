"""Vectors of two models never meet: the other is refused, and a migration embeds everything anew. On every store."""

import pytest

from holdfast_activities.memory import Memories, MemoryStore, Vector
from holdfast_workflows.contracts.errors import EmbeddingMismatch

from .conftest import Stores
from .keeper import Axes, change, fact, said, stored

TURNS = [said(number, f"Sentence number {number}.") for number in range(5)]


def memories_of(store: MemoryStore, embedder: Axes | None) -> Memories:
    return Memories(store, embedder)


async def _vector(store: MemoryStore, id: str) -> Vector:
    [record] = await store.get("acme", [id])
    assert record.vector is not None
    return record.vector


async def test_another_model_of_the_same_length_is_refused_and_a_migration_mends_it(stores: Stores) -> None:
    old, new = Axes("one"), Axes("two")
    before = memories_of(await stores.open(), old)
    await before.apply(change(turns=TURNS, facts=[fact("a", "Ann likes tea.")], tenant="acme"))

    store = await stores.open()
    after = memories_of(store, new)
    for work in (
        after.check(),
        after.search("number", tenant="acme", scopes=[]),
        after.apply(change(turns=[said(9, "Another.")], tenant="acme")),
    ):
        with pytest.raises(EmbeddingMismatch, match="holdfast memory migrate"):
            await work
    assert len(await stored(before, "acme")) == 6

    done = await after.migrate()
    assert (done.memories, done.model, done.dimension) == (6, "two", 16)
    assert sorted(new.asked) == sorted([turn.text for turn in TURNS] + ["Ann likes tea."])
    [expected] = await new.embed([TURNS[2].text])
    assert float(await _vector(store, "s1:2") @ expected) > 0.99
    await after.apply(change(turns=[said(9, "Another.")], tenant="acme"))
    assert (await after.stats()).model == "two"


async def test_a_worker_of_the_old_model_is_refused_from_the_migration_on(stores: Stores) -> None:
    before = memories_of(await stores.open(), Axes("one"))
    await before.apply(change(turns=TURNS, tenant="acme"))
    after = memories_of(await stores.open(), Axes("two"))
    await after.migrate()
    with pytest.raises(EmbeddingMismatch):
        await _until_refused(before)
    assert len(await stored(after, "acme")) == 5


async def test_words_only_and_vectors_do_not_mix_either(stores: Stores) -> None:
    words = memories_of(await stores.open(), None)
    await words.apply(change(turns=TURNS, tenant="acme"))
    vectors = memories_of(await stores.open(), Axes("one"))
    with pytest.raises(EmbeddingMismatch):
        await vectors.check()
    await vectors.migrate()
    [best, *_] = await vectors.search(TURNS[3].text, tenant="acme", scopes=[])
    assert best.id == "s1:3"
    with pytest.raises(EmbeddingMismatch):
        await memories_of(await stores.open(), None).check()
    back = memories_of(await stores.open(), None)
    await back.migrate()
    assert (await back.stats()).dimension == 0


async def test_an_empty_store_of_words_takes_an_embedder(stores: Stores) -> None:
    await memories_of(await stores.open(), None).check()
    vectors = memories_of(await stores.open(), Axes("one"))
    await vectors.check()
    assert (await vectors.stats()).model == "one"


async def _until_refused(memories: Memories) -> None:
    """A store may rely on what it knew for a short time, in which nothing that it takes is lost or mixed."""
    for number in range(1_000):
        await memories.search("Sentence", tenant="acme", scopes=[])
        await memories.apply(change(turns=[said(0, f"Sentence, {number}.")], tenant="acme"))
