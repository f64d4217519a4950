"""Tenants never mix."""

import asyncio
from dataclasses import replace
from random import Random

import pytest

from holdfast_activities.memory import Counts, Filter, MemoryStore, Record

from ..conftest import Stores
from .records import COLLECTION, angle, fact, ids, turn

ODD = ["", "a/b", "A/B", "a b", "ünïcödé – 日本 🙂", "t" * 200, "'; DROP TABLE", "..", "%", "a_b", "a-b", "0"]


async def test_an_unknown_tenant_is_empty(store: MemoryStore) -> None:
    assert await store.get("nobody", ["a"]) == []
    assert await store.list("nobody", Filter()) == []
    assert await store.by_words("nobody", ["word"], Filter(), 10) == []
    assert await store.by_vector("nobody", angle(0), Filter(), 10) == []
    assert await store.around("nobody", [("s", 1)]) == []
    assert await store.delete("nobody", ["a"]) == 0
    assert await store.erase("nobody") == 0
    assert await store.erase("nobody", Filter()) == 0
    assert await store.tenants() == []
    counts = await store.counts()
    assert replace(counts, bytes=0) == Counts()


async def test_any_text_can_name_a_tenant(store: MemoryStore) -> None:
    for number, tenant in enumerate(ODD):
        await store.put(tenant, [fact("same id", f"word{number}", angle(number))])
    assert await store.tenants() == sorted(ODD)
    for number, tenant in enumerate(ODD):
        assert (await store.get(tenant, ["same id"]))[0].words == f"word{number}"
        assert len(await store.by_vector(tenant, angle(0), Filter(), 10)) == 1
        assert len(await store.by_words(tenant, [f"word{number}"], Filter(), 10)) == 1
        assert await store.by_words(tenant, [f"word{number + 1}"], Filter(), 10) == []
    assert await store.erase("a/b") == 1
    assert await store.tenants() == sorted(set(ODD) - {"a/b"})


async def test_counts_are_of_all_tenants(store: MemoryStore) -> None:
    episode = replace(fact("e"), kind="episode")
    await store.put("a", [fact("f"), replace(fact("old"), superseded_by="f"), turn("t", "s", 1)])
    await store.put("b", [turn("t", "s", 1), turn("u", "s", 2), episode])
    await store.put("c", [fact("f")])
    await store.delete("c", ["f"])
    counts = await store.counts()
    assert replace(counts, bytes=0) == Counts(tenants=2, turns=3, episodes=1, facts=2, superseded=1)
    assert counts.bytes >= 0
    assert await store.tenants() == ["a", "b"]


async def test_a_tenant_is_erased_with_all_it_holds_and_may_begin_again(store: MemoryStore) -> None:
    old = [fact("a", "word", angle(0)), replace(fact("b", "word", angle(1)), superseded_by="a", expires=1.0)]
    await store.put("acme", old)
    await store.put("other", old)
    assert len(await store.by_vector("acme", angle(0), Filter(superseded=True), 10)) == 2
    assert await store.erase("acme") == 2
    assert await store.list("acme", Filter(superseded=True)) == []
    assert await store.by_vector("acme", angle(0), Filter(superseded=True), 10) == []
    assert await store.by_words("acme", ["word"], Filter(superseded=True), 10) == []
    assert await store.tenants() == ["other"]
    await store.put("acme", [fact("c", "word", angle(2))])
    assert ids(await store.by_vector("acme", angle(0), Filter(superseded=True), 10)) == ["c"]
    assert ids(await store.by_words("acme", ["word"], Filter(superseded=True), 10)) == ["c"]
    assert len(await store.list("other", Filter(superseded=True))) == 2


async def test_what_was_written_is_there_after_closing_and_opening_again(stores: Stores) -> None:
    store = await stores.open()
    await store.begin(COLLECTION)
    await store.put("acme", [fact("a", "word", angle(0))])
    await store.close()
    later = await stores.open()
    assert await later.get("acme", ["a"]) == [fact("a", "word")]
    assert ids(await later.by_vector("acme", angle(0), Filter(), 1)) == ["a"]


async def test_optimising_changes_nothing_that_is_found(store: MemoryStore) -> None:
    await store.put("acme", [fact(f"{number:03}", "word", angle(number / 10)) for number in range(300)])
    await store.delete("acme", [f"{number:03}" for number in range(200)])
    before = await store.by_words("acme", ["word"], Filter(), 500)
    assert await store.optimise() >= 0
    assert ids(await store.by_words("acme", ["word"], Filter(), 500)) == ids(before)
    assert ids(await store.by_vector("acme", angle(0), Filter(), 1)) == ["200"]


class Careful:
    """Does random things to a tenant of a store, and to a dictionary beside it, and compares."""

    def __init__(self, store: MemoryStore, tenant: str, seed: int) -> None:
        self._store = store
        self._tenant = tenant
        self._random = Random(seed)
        self._expected: dict[str, Record] = {}

    async def steps(self, count: int) -> None:
        steps = [self.put, self.delete, self.erase, self.get, self.list, self.words, self.near]
        for _ in range(count):
            await self._random.choices(steps, [8, 2, 0.1, 2, 2, 3, 3])[0](self._tenant, self._expected)

    def _record(self, tenant: str) -> Record:
        made = fact(
            f"{self._random.randrange(60)}",
            " ".join(self._random.choices(["red", "green", "blue"], k=self._random.randrange(4))),
            angle(self._random.randrange(180)) if self._random.random() < 0.8 else None,
            self._random.choice(["tenant", "user:1"]),
        )
        return replace(made, text=f"of {tenant}", at=float(self._random.randrange(100)))

    def _filter(self) -> Filter:
        return Filter(scopes=self._random.choice([(), ("user:1",), ("tenant", "user:1")]))

    async def put(self, tenant: str, expected: dict[str, Record]) -> None:
        records = [self._record(tenant) for _ in range(self._random.randrange(1, 6))]
        await self._store.put(tenant, records)
        expected.update({record.id: record for record in records})

    async def delete(self, tenant: str, expected: dict[str, Record]) -> None:
        ids = [f"{self._random.randrange(60)}" for _ in range(3)]
        there = {id for id in ids if expected.pop(id, None)}
        assert await self._store.delete(tenant, ids) == len(there)

    async def erase(self, tenant: str, expected: dict[str, Record]) -> None:
        assert await self._store.erase(tenant) == len(expected)
        expected.clear()

    async def get(self, tenant: str, expected: dict[str, Record]) -> None:
        ids = [f"{number}" for number in self._random.sample(range(60), 5)]
        assert await self._store.get(tenant, ids) == [expected[id] for id in ids if id in expected]

    async def list(self, tenant: str, expected: dict[str, Record]) -> None:
        wanted = self._filter()
        found = await self._store.list(tenant, wanted)
        assert found == [expected[id] for id in sorted(expected) if _means(wanted, expected[id])]

    async def words(self, tenant: str, expected: dict[str, Record]) -> None:
        wanted, term = self._filter(), self._random.choice(["red", "green", "blue"])
        found = await self._store.by_words(tenant, [term], wanted, 100)
        assert {each.record.id: each.record for each in found} == {
            id: record
            for id, record in expected.items()
            if term in record.words.split() and _means(wanted, record)
        }

    async def near(self, tenant: str, expected: dict[str, Record]) -> None:
        wanted = self._filter()
        found = await self._store.by_vector(tenant, angle(0), wanted, 100)
        assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
        assert {each.record.id: each.record for each in found} == {
            id: record
            for id, record in expected.items()
            if record.vector is not None and _means(wanted, record)
        }
        for each in found:
            vector = expected[each.record.id].vector
            assert vector is not None
            assert each.score == pytest.approx(float(vector[0]), abs=3e-3)


def _means(wanted: Filter, record: Record) -> bool:
    return not wanted.scopes or record.scope in wanted.scopes


@pytest.mark.timeout(300)  # the full number of operations takes half a minute on an idle machine
@pytest.mark.parametrize("share", [0.05, pytest.param(1, marks=pytest.mark.slow)])
async def test_two_tenants_never_see_each_other_in_random_operations(
    stores: Stores, store: MemoryStore, share: float
) -> None:
    # Both run concurrently, so that each works on a store that the other is changing.
    both = [Careful(store, "acme", seed=7), Careful(store, "a/cme", seed=8)]
    await asyncio.gather(*(careful.steps(int(stores.operations * share / 2)) for careful in both))
