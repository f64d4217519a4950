"""Stores that an earlier version filled are indexed again, so that its memories are found as new ones are."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from holdfast_activities.memory import Collection, Filter, Memories, MemoryStore, Record
from holdfast_activities.memory.embedded import EmbeddedStore, open_embedded
from holdfast_activities.memory.finding import VERSION
from holdfast_activities.memory.maintenance.reindexing import PAGE
from holdfast_workflows.contracts.errors import MemoryUnavailable

from .conftest import Stores

BASE = Record(id="", scope="user:1", kind="fact", text="", at=1.0, words="words of before")
NEEDLE = replace(BASE, id="needle", text="Meine Krankenversicherungsnummer liegt im Schrank.")


async def _found(memories: Memories, text: str = "Krankenversicherung") -> list[str]:
    return [hit.id for hit in await memories.search(text, tenant="acme", scopes=["user:1"])]


async def _old(stores: Stores, records: Sequence[Record]) -> MemoryStore:
    store = await stores.open()
    await store.begin(Collection())
    await store.put("acme", records)
    return store


@pytest.mark.parametrize(
    "record",
    [
        NEEDLE,
        replace(NEEDLE, kind="episode"),
        replace(NEEDLE, text="im Schrank", topic="Krankenversicherungsnummer"),
        replace(NEEDLE, kind="turn", session="s", place=3),
        replace(NEEDLE, kind="turn"),
    ],
    ids=["fact", "episode", "topic", "turn", "turn without a session"],
)
async def test_a_reindexed_memory_is_found_like_a_new_one(stores: Stores, record: Record) -> None:
    store = await _old(stores, [record])
    memories = Memories(store)
    assert await _found(memories) == ["needle"]
    assert await store.indexing() == VERSION
    await memories.close()


async def test_superseded_memories_and_later_pages_are_reindexed(tmp_path: Path) -> None:
    store = await open_embedded(tmp_path / "memory.db")
    await store.begin(Collection())
    many = [replace(BASE, id=f"{number:04}", text="Unterwegs.") for number in range(PAGE + 1)]
    await store.put("acme", [*many, replace(NEEDLE, superseded_by="0001")])
    memories = Memories(store)
    await memories.check()
    [record] = await store.get("acme", ["needle"])
    assert "~kran" in record.words
    assert not await store.by_words("acme", ["before"], Filter(superseded=True), 5)
    await memories.close()


async def test_reindexing_uses_the_same_neighbours(tmp_path: Path) -> None:
    store = await open_embedded(tmp_path / "memory.db")
    await store.begin(Collection())
    said = ["Wo liegt die Krankenversicherungsnummer?", "Im Schrank.", "Danke."]
    await store.put(
        "acme",
        [
            replace(BASE, id=str(place), kind="turn", text=text, session="s", place=place)
            for place, text in enumerate(said)
        ],
    )
    memories = Memories(store)
    await memories.check()
    records = await store.get("acme", ["0", "1", "2"])
    assert ["~kran" in record.words for record in records] == [True, True, False]
    await memories.close()


async def test_a_new_store_has_nothing_to_index(stores: Stores) -> None:
    store = await stores.open()
    memories = Memories(store)
    await memories.check()
    assert await store.indexing() == VERSION
    await memories.close()


class _Failing:
    """A store that fails to be indexed as long as it is told to."""

    def __init__(self, store: EmbeddedStore) -> None:
        self._store = store
        self.down = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def tenants(self) -> list[str]:
        if self.down:
            raise MemoryUnavailable("away")
        return await self._store.tenants()


async def test_maintenance_finishes_a_failed_reindexing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    inner = await open_embedded(tmp_path / "memory.db")
    await inner.begin(Collection())
    await inner.put("acme", [NEEDLE])
    store = _Failing(inner)
    memories = Memories(cast("MemoryStore", store))
    assert await _found(memories) == []
    assert "maintenance will retry" in caplog.text
    store.down = False
    await memories.optimise()
    assert await _found(memories) == ["needle"]
    await memories.close()
