"""What is cached of a tenant's vectors is never older than the file."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast_activities.memory import Filter
from holdfast_activities.memory.embedded import EmbeddedStore
from holdfast_workflows.contracts.errors import EmbeddingMismatch

from ..conformance.records import OTHER, angle, embed, fact, ids
from .conftest import Open

HERE = Filter(scopes=("tenant",))


async def near(store: EmbeddedStore, wanted: Filter = HERE) -> list[str]:
    return ids(await store.by_vector("acme", angle(0), wanted, 100))


async def test_what_another_process_adds_changes_and_removes_is_seen_by_the_next_search(
    open_store: Open,
) -> None:
    mine, other = await open_store(), await open_store()
    await mine.put("acme", [fact("a", "", angle(10)), fact("b", "", angle(20))])
    assert await near(mine) == await near(other) == ["a", "b"]
    await other.put("acme", [fact("c", "", angle(5))])
    assert await near(mine) == ["c", "a", "b"]
    await other.put("acme", [fact("a", "", angle(30))])
    assert await near(mine) == ["c", "b", "a"]
    await other.put("acme", [replace(fact("c", "", angle(5)), superseded_by="a")])
    assert await near(mine) == ["b", "a"]
    await other.put("acme", [fact("b")])
    assert await near(mine) == ["a"]
    await other.delete("acme", ["a"])
    assert await near(mine) == []
    await other.erase("acme")
    await other.put("acme", [fact("d", "", angle(1))])
    assert await near(mine) == await near(other) == ["d"]


async def test_without_the_tenants_version_a_search_is_stale(path: Path, open_store: Open) -> None:
    mine, other = await open_store(), await open_store()
    await mine.put("acme", [fact("a", "", angle(10))])
    assert await near(mine) == ["a"]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TRIGGER off AFTER UPDATE OF version ON tenants BEGIN"
            " UPDATE tenants SET version = OLD.version WHERE number = NEW.number; END"
        )
    await other.put("acme", [fact("b", "", angle(5))])
    assert ids(await mine.list("acme", Filter())) == ["a", "b"]
    assert await near(other) == ["b", "a"]
    assert await near(mine) == ["a"]


async def test_a_change_that_vectors_and_filters_do_not_see_leaves_the_matrix(open_store: Open) -> None:
    store = await open_store()
    records = [fact("a", "", angle(10)), fact("b", "", angle(20))]
    await store.put("acme", records)
    await near(store)
    before = store._cache.slot("acme")._matrix
    await store.put("acme", records)
    await store.touch("acme", ["a"], 5.0)
    await near(store)
    assert store._cache.slot("acme")._matrix is before


async def test_changing_a_record_many_times_leaves_no_trail_in_memory(open_store: Open) -> None:
    store = await open_store()
    for number in range(200):
        await store.put("acme", [fact("a", "", angle(number % 90)), fact("b", "", angle(91))])
        assert await near(store) == ["a", "b"]
    matrix = store._cache.slot("acme")._matrix
    assert matrix is not None
    assert len(matrix.alive) <= 5


async def test_the_cache_is_bounded_and_a_search_of_what_it_let_go_is_as_right(open_store: Open) -> None:
    store = await open_store(cache_bytes=40_000)
    for tenant in range(10):
        await store.put(f"{tenant}", [fact(f"{tenant}-{number}", "", angle(number)) for number in range(100)])
    for _ in range(2):
        for tenant in range(10):
            found = await store.by_vector(f"{tenant}", angle(0), Filter(), 2)
            assert ids(found) == [f"{tenant}-0", f"{tenant}-1"]
            kept = store._cache._slots.values()
            assert sum(place._counted for place in kept) <= 40_000
    assert 1 < len(store._cache._slots) < 10


async def test_unknown_tenants_do_not_fill_the_cache(open_store: Open) -> None:
    store = await open_store(cache_bytes=10_000)
    for tenant in range(50):
        assert await store.by_vector(f"nobody {tenant}", angle(0), Filter(), 2) == []
    assert len(store._cache._slots) <= 10


async def test_after_another_process_has_migrated_old_vectors_are_refused(open_store: Open) -> None:
    mine, other = await open_store(), await open_store()
    await mine.put("acme", [fact("a", "word", angle(10))])
    assert await near(mine) == ["a"]
    assert await other.migrate(OTHER, embed) == 1
    with pytest.raises(EmbeddingMismatch, match="other-model"):
        await near(mine)
    with pytest.raises(EmbeddingMismatch, match="test-model"):
        await mine.put("acme", [fact("b", "", angle(10))])
    assert ids(await mine.by_words("acme", ["word"], Filter(), 10)) == ["a"]
    assert await near(other) == ["a"]
