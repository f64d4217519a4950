"""Which generation serves, where several workers use it while one of them migrates."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from holdfast_activities.memory import Filter, Vector
from holdfast_activities.memory.weaviate.generations import Generations
from holdfast_activities.memory.weaviate.moving import Mover
from holdfast_activities.memory.weaviate.schema import Generation
from holdfast_activities.memory.weaviate.store import WeaviateStore
from holdfast_workflows.contracts.errors import (
    BadInput,
    EmbeddingFailed,
    EmbeddingMismatch,
    MemoryUnavailable,
)
from tests.activities.memory.conformance.records import COLLECTION, OTHER, angle, embed, fact, ids
from tests.weaviate_server import NamedWeaviate, WeaviateServer

from . import places


@pytest.fixture
async def url(weaviate_server: WeaviateServer | NamedWeaviate) -> AsyncIterator[str]:
    url = weaviate_server.url(places.fresh_name())
    yield url
    await places.remove(url)


@pytest.fixture
async def worker(url: str) -> AsyncIterator[WeaviateStore]:
    store = await places.open_at(url)
    await store.begin(COLLECTION)
    yield store
    await store.close()


@pytest.fixture
async def other(worker: WeaviateStore, url: str) -> AsyncIterator[WeaviateStore]:
    """Another worker's view of the same memories."""
    store = await places.open_at(url)
    await store.begin(COLLECTION)
    yield store
    await store.close()


async def test_workers_that_begin_concurrently_use_one_generation(url: str) -> None:
    workers = [await places.open_at(url) for _ in range(4)]
    await asyncio.gather(*(worker.begin(COLLECTION) for worker in workers))
    for number, worker in enumerate(workers):
        await worker.put("acme", [fact(f"{number}")])
    for worker in workers:
        assert ids(await worker.list("acme", Filter())) == ["0", "1", "2", "3"]
        await worker.close()


async def test_a_worker_of_the_old_model_is_refused_after_a_migration(
    worker: WeaviateStore, other: WeaviateStore
) -> None:
    await worker.put("acme", [fact("a", "word", angle(0))])
    await worker.migrate(OTHER, embed)
    with pytest.raises(EmbeddingMismatch, match="other-model"):
        await other.put("acme", [fact("b", "word", angle(0))])
    with pytest.raises(EmbeddingMismatch):
        await other.by_vector("acme", angle(0), Filter(), 10)
    assert ids(await other.by_words("acme", ["word"], Filter(), 10)) == ["a"]
    assert ids(await worker.list("acme", Filter())) == ["a"]


async def test_concurrent_writes_and_deletions_survive_a_migration(
    worker: WeaviateStore, other: WeaviateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve = Generations.serve
    for store in (worker, other):
        store._generations.lease = 3.0  # the writes below fit into one lease, also on a busy machine
        store._generations.forget()

    async def serve_and_write(self: Generations, generation: Generation) -> None:
        await other.put("acme", [fact("before", "", angle(0))])
        await serve(self, generation)
        # The other worker's lease still names the old generation.
        await other.put("acme", [fact("after", "", angle(0)), fact("changed", "new", angle(0))])
        await other.delete("acme", ["deleted"])

    monkeypatch.setattr(Generations, "serve", serve_and_write)
    await worker.put("acme", [fact(id, "old", angle(0)) for id in ("changed", "deleted", "kept")])
    await other.list("acme", Filter())
    assert await worker.migrate(OTHER, embed) == 4
    assert ids(await worker.list("acme", Filter())) == ["after", "before", "changed", "kept"]
    assert ids(await worker.by_words("acme", ["new"], Filter(), 10)) == ["changed"]


async def test_a_late_write_to_the_old_generation_is_not_acknowledged(
    worker: WeaviateStore, url: str
) -> None:
    slow = await places.open_at(url)
    await slow.begin(COLLECTION)
    generation = await slow._generations.writable()
    await worker.migrate(OTHER, embed)
    with pytest.raises(MemoryUnavailable, match="migrated during the write"):
        await slow._generations.confirm(generation)
    await slow.close()


class Killed(BaseException):
    """In place of a kill: nothing catches it."""


async def migrate_and_die_before_the_end(store: WeaviateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrate, and die when the new generation serves and the old one is still there."""
    with monkeypatch.context() as patch:

        async def die(*_: object) -> None:
            raise Killed

        patch.setattr(Generations, "drop", die)
        with pytest.raises(Killed):
            await store.migrate(OTHER, embed)


async def test_deletions_after_a_killed_migration_stay_deleted(
    worker: WeaviateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await worker.put("acme", [fact(id, "", angle(0)) for id in ("a", "b", "c")])
    await worker.put("gone", [fact("a")])
    await migrate_and_die_before_the_end(worker, monkeypatch)
    assert await worker.delete("acme", ["a"]) == 1
    assert await worker.erase("gone") == 1
    await worker.put("acme", [fact("b", "changed", angle(0))])
    assert await worker.migrate(COLLECTION, embed) == 2
    assert ids(await worker.list("acme", Filter())) == ["b", "c"]
    assert ids(await worker.by_words("acme", ["changed"], Filter(), 10)) == ["b"]
    assert await worker.tenants() == ["acme"]


async def test_deletions_reach_the_copies_of_a_failed_migration(
    worker: WeaviateStore,
) -> None:
    await worker.put("acme", [fact("a", "", angle(0)), fact("b", "", angle(0))])
    await worker.put("lost", [fact("a"), fact("b")])

    async def embed_some(texts: Sequence[str]) -> Sequence[Vector]:
        if len(copies) == 1:
            raise EmbeddingFailed("switched off")
        copies.append("a tenant's")
        return await embed(texts)

    copies: list[str] = []
    with pytest.raises(EmbeddingFailed):
        await worker.migrate(OTHER, embed_some)
    [copy] = await worker._generations.others(await worker._generations.writable())
    assert await places.count_records(worker, copy) == 2
    assert await worker.delete("acme", ["a"]) == 1
    assert await worker.erase("lost") == 2
    assert await places.count_records(worker, copy) == 1
    assert await worker.erase("acme") == 1
    assert await places.count_records(worker, copy) == 0


async def test_a_migration_leaves_one_collection_behind(
    worker: WeaviateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await worker.put("acme", [fact("a", "", angle(0))])
    await migrate_and_die_before_the_end(worker, monkeypatch)
    with monkeypatch.context() as patch:

        async def die(*_: object) -> int:
            raise Killed

        patch.setattr(Mover, "bring", die)
        with pytest.raises(Killed):
            await worker.migrate(COLLECTION, embed)
    await worker.migrate(COLLECTION, embed)
    assert await places.collections(worker) == 1


async def test_a_migration_with_wrong_vectors_keeps_the_old_ones(
    worker: WeaviateStore,
) -> None:
    await worker.put("acme", [fact("a", "", angle(0))])

    async def short(texts: Sequence[str]) -> Sequence[Vector]:
        return [angle(0)[:2] for _ in texts]

    with pytest.raises(BadInput, match="shape"):
        await worker.migrate(OTHER, short)
    assert await worker.collection() == COLLECTION
    assert ids(await worker.by_vector("acme", angle(0), Filter(), 10)) == ["a"]
