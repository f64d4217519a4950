"""Two workers on one place of memories: what they write in the same moment ends as if one had gone first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import pytest

from holdfast_activities.memory import FactDraft, Memories, MemoryStore, Record
from holdfast_activities.memory.maintenance.episodes import CONFIRMED_AFTER, MIN_TURNS

from .conftest import Stores
from .keeper import DAY, START, change, fact, said, stored

WAIT = 20.0
"""Seconds; the bound of every wait here."""


class Meeting:
    """A store whose first put waits until the other process is about to put, too."""

    def __init__(self, store: MemoryStore, barrier: asyncio.Barrier) -> None:
        self._store = store
        self._barrier = barrier
        self._met = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def put(self, tenant: str, records: Sequence[Record]) -> None:
        if not self._met:
            self._met = True
            await self._barrier.wait()
        await self._store.put(tenant, records)


async def two(stores: Stores) -> tuple[Memories, Memories]:
    """Two processes' memories, whose first writes happen in the same moment."""
    barrier = asyncio.Barrier(2)
    one, other = [Memories(cast("MemoryStore", Meeting(await stores.open(), barrier))) for _ in range(2)]
    await one.check()
    await other.check()
    return one, other


async def at_once(*work: Any) -> None:
    async with asyncio.timeout(WAIT):
        await asyncio.gather(*work)


async def superseded(memories: Memories) -> dict[str, str]:
    return {id: view.superseded_by for id, view in (await stored(memories, superseded=True)).items()}


LISBON = fact("a", "Ann lives in Lisbon.", topic="home", at=START)
PORTO = fact("b", "Ann lives in Porto.", topic="home", at=START + 9)


async def test_the_newer_of_two_concurrent_facts_is_valid(stores: Stores) -> None:
    one, other = await two(stores)
    await at_once(one.apply(change(facts=[LISBON])), other.apply(change(facts=[PORTO])))
    assert await superseded(one) == {"a": "b", "b": ""}


async def test_two_concurrent_replacements_leave_one_valid_fact(stores: Stores) -> None:
    one, other = await two(stores)
    third = Memories(await stores.open())
    await third.apply(change(facts=[fact("c", "Ann lives in Faro.", topic="home", at=START - 9)]))
    await at_once(one.apply(change(facts=[PORTO])), other.apply(change(facts=[LISBON])))
    found = await superseded(third)
    assert (found["a"], found["b"]) == ("b", "")
    assert found["c"] in ("a", "b")


def standing(draft: FactDraft, superseded_by: str = "") -> Record:
    """A fact as a worker that knew of no other put it."""
    return Record(
        id=draft.id, scope=draft.scope, kind="fact", text=draft.text, at=draft.at, topic=draft.topic,
        superseded_by=superseded_by,
    )  # fmt: skip


async def test_repeating_the_change_of_a_dead_worker_resolves_its_conflict(
    stores: Stores,
) -> None:
    store = await stores.open()
    memories = Memories(store)
    await memories.check()
    await store.put("", [standing(LISBON), standing(PORTO)])
    await memories.apply(change(facts=[LISBON]))
    assert await superseded(memories) == {"a": "b", "b": ""}


async def test_one_of_two_mutually_superseded_facts_is_valid_again(stores: Stores) -> None:
    store = await stores.open()
    memories = Memories(store)
    await memories.check()
    await store.put("", [standing(LISBON, "b"), standing(PORTO, "a")])
    await memories.apply(change(facts=[LISBON]))
    assert await superseded(memories) == {"a": "b", "b": ""}


async def test_a_fact_superseded_by_another_topic_stays_superseded(stores: Stores) -> None:
    memories = Memories(await stores.open())
    await memories.apply(change(facts=[LISBON, PORTO]))
    await memories.apply(change(facts=[fact("c", "Ann has no home.", replaces="b", at=START + 10)]))
    await memories.apply(change(facts=[LISBON]))
    assert await superseded(memories) == {"a": "b", "b": "c", "c": ""}


class Turns:
    """A store that lets other work go first before the first call of one method."""

    def __init__(self, store: MemoryStore, before: str, work: Callable[[], Awaitable[object]]) -> None:
        self._store = store
        self._before = before
        self._work: list[Callable[[], Awaitable[object]]] = [work]

    def __getattr__(self, name: str) -> Any:
        async def first(*given: Any) -> Any:
            if self._work:
                await self._work.pop()()
            return await getattr(self._store, name)(*given)

        return first if name == self._before else getattr(self._store, name)


@pytest.mark.parametrize("moment", ["put", "get", "delete"])
async def test_concurrent_consolidations_lose_and_duplicate_nothing(moment: str, stores: Stores) -> None:
    other = Memories(await stores.open())
    texts = {f"s1:{number}": f"Song {number} is of tea." for number in range(MIN_TURNS + 1)}
    await other.apply(change(turns=[said(number, text) for number, text in enumerate(texts.values())]))
    now = time.time() + 31 * DAY
    one = Memories(cast("MemoryStore", Turns(await stores.open(), moment, lambda: other.consolidate(now))))
    await one.consolidate(now)
    await one.consolidate(now + 2 * CONFIRMED_AFTER)
    there = list((await stored(other)).values())
    kept = [id for view in there for id in (view.sources if view.kind == "episode" else (view.id,))]
    assert sorted(kept) == sorted(texts)
