"""Records are put, replaced, got and removed by their ids."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from holdfast_activities.memory import Filter, MemoryStore, Record
from holdfast_workflows.contracts.errors import BadInput

from ..conftest import Stores
from .records import DIMENSION, angle, fact, ids, vector

WHOLE = Record(
    id="session 1:turn/2 – „Ä“",
    scope="user:42",
    kind="turn",
    text='Ann said:\n\t"it\'s 100 % | {fine}" – Ünïcödé, 日本語, 🙂',
    at=1_700_000_000.125,
    speaker="Ann",
    session="session 1",
    place=2,
    importance=0.75,
    trust="operator",
    sources=("a", "b c", "ü"),
    topic="home city",
    superseded_by="another id",
    expires=1_800_000_000.5,
    used=1_750_000_000.25,
    uses=3,
    words="ann said fine ünïcödé",
    vector=vector(0.5, -0.25, 1),
)


async def test_a_record_is_got_as_it_was_put(store: MemoryStore) -> None:
    await store.put("acme", [WHOLE])
    [found] = await store.get("acme", [WHOLE.id])
    assert found == WHOLE
    assert found.vector is not None
    assert WHOLE.vector is not None
    assert found.vector.dtype == np.float32
    assert np.allclose(found.vector, WHOLE.vector, atol=1e-3)


async def test_what_was_got_and_put_again_is_the_same(store: MemoryStore) -> None:
    await store.put("acme", [WHOLE])
    [first] = await store.get("acme", [WHOLE.id])
    await store.put("acme", [first])
    [second] = await store.get("acme", [WHOLE.id])
    assert second == first
    assert second.vector is not None
    assert first.vector is not None
    # A store that divides by the length again may turn the last bit of a number: of the direction nothing is lost.
    assert np.allclose(second.vector, first.vector, rtol=0, atol=1e-6)


async def test_records_are_got_in_the_order_asked_for_and_missing_ones_left_out(store: MemoryStore) -> None:
    await store.put("acme", [fact("a"), fact("b"), fact("c")])
    assert ids(await store.get("acme", ["c", "nobody", "a", "b"])) == ["c", "a", "b"]
    assert await store.get("acme", []) == []


async def test_the_same_id_replaces_what_was_there_with_its_words_and_vector(store: MemoryStore) -> None:
    await store.put("acme", [fact("a", "old words", angle(0)), fact("b", "other", angle(80))])
    new = replace(fact("a", "new words", angle(90)), text="changed", scope="user:1", superseded_by="")
    await store.put("acme", [new])
    assert await store.get("acme", ["a"]) == [new]
    assert await store.by_words("acme", ["old"], Filter(), 10) == []
    assert ids(await store.by_words("acme", ["new"], Filter(), 10)) == ["a"]
    assert ids(await store.by_vector("acme", angle(0), Filter(), 10)) == ["b", "a"]
    assert ids(await store.by_vector("acme", angle(0), Filter(scopes=("user:1",)), 10)) == ["a"]
    assert (await store.counts()).facts == 2


async def test_a_record_that_loses_its_vector_is_found_by_words_alone(store: MemoryStore) -> None:
    await store.put("acme", [fact("a", "word", angle(0))])
    await store.put("acme", [fact("a", "word")])
    assert await store.by_vector("acme", angle(0), Filter(), 10) == []
    assert ids(await store.by_words("acme", ["word"], Filter(), 10)) == ["a"]
    assert (await store.get("acme", ["a"]))[0].vector is None


async def test_of_two_records_with_one_id_in_one_put_the_later_counts(store: MemoryStore) -> None:
    await store.put("acme", [fact("a", "first"), fact("b"), fact("a", "second")])
    assert [record.words for record in await store.list("acme", Filter())] == ["second", ""]


async def test_putting_nothing_is_harmless(store: MemoryStore) -> None:
    await store.put("acme", [])
    assert await store.tenants() == []


async def test_what_is_deleted_is_found_no_more(store: MemoryStore) -> None:
    await store.put("acme", [fact("a", "word", angle(0)), fact("b", "word", angle(5))])
    assert ids(await store.by_vector("acme", angle(0), Filter(), 10)) == ["a", "b"]
    assert await store.delete("acme", ["a", "nobody"]) == 1
    assert await store.delete("acme", ["a"]) == 0
    assert await store.delete("acme", []) == 0
    assert await store.get("acme", ["a"]) == []
    assert ids(await store.list("acme", Filter())) == ["b"]
    assert ids(await store.by_words("acme", ["word"], Filter(), 10)) == ["b"]
    assert ids(await store.by_vector("acme", angle(0), Filter(), 10)) == ["b"]


async def test_a_deleted_id_may_be_put_again(store: MemoryStore) -> None:
    await store.put("acme", [fact("a", "old", angle(0))])
    await store.by_vector("acme", angle(0), Filter(), 10)
    await store.delete("acme", ["a"])
    await store.put("acme", [fact("a", "new", angle(30))])
    [found] = await store.by_vector("acme", angle(0), Filter(), 10)
    assert found.score == pytest.approx(np.cos(np.radians(30)), abs=2e-3)
    assert await store.by_words("acme", ["old"], Filter(), 10) == []


async def test_what_was_recalled_is_noted_and_changes_nothing_else(
    stores: Stores, store: MemoryStore
) -> None:
    await store.put("acme", [replace(WHOLE, superseded_by=""), fact("b", "fine", angle(0))])
    before = await store.by_words("acme", ["fine"], Filter(), 10)
    await store.touch("acme", [WHOLE.id, "nobody"], 1_760_000_000.5)
    await store.touch("acme", [WHOLE.id], 1_770_000_000.5)
    [found, other] = await store.get("acme", [WHOLE.id, "b"])
    assert found == replace(WHOLE, superseded_by="", used=1_770_000_000.5, uses=5)
    assert found.vector is not None
    assert other.uses == 0
    after = await store.by_words("acme", ["fine"], Filter(), 10)
    assert ids(after) == ids(before)
    scores = [each.score for each in before]
    assert [each.score for each in after] == pytest.approx(scores, rel=1e-9 + stores.drift)
    [near] = await store.by_vector("acme", angle(0), Filter(kinds=("turn",)), 10)
    assert near.record.uses == 5


async def test_noting_that_a_deleted_record_was_recalled_does_not_bring_it_back(store: MemoryStore) -> None:
    await store.put("acme", [fact("a"), fact("b")])
    await store.delete("acme", ["a"])
    await store.touch("acme", ["a"], 1.0)
    await store.touch("nobody", ["a"], 1.0)
    assert ids(await store.list("acme", Filter())) == ["b"]
    assert await store.tenants() == ["acme"]


@pytest.mark.parametrize("id", ["", "a\0b", "\ud800", "x" * 401])
async def test_an_id_that_cannot_be_a_key_is_refused_and_nothing_is_written(
    store: MemoryStore, id: str
) -> None:
    with pytest.raises(BadInput):
        await store.put("acme", [fact("good"), fact(id)])
    assert await store.list("acme", Filter()) == []
    assert await store.get("acme", [id]) == []
    assert await store.delete("acme", [id]) == 0


@pytest.mark.parametrize("tenant", ["a\0b", "\udfff", "x" * 401])
async def test_a_tenant_that_cannot_be_a_key_is_refused_and_is_empty(store: MemoryStore, tenant: str) -> None:
    with pytest.raises(BadInput):
        await store.put(tenant, [fact("a")])
    assert await store.list(tenant, Filter()) == []
    assert await store.delete(tenant, ["a"]) == 0


@pytest.mark.parametrize(
    "id", ["x" * 400, "ü" * 400, "a b/c?d=%20&#", "'; DROP TABLE records; --", "🙂", "A", " a"]
)
async def test_any_other_text_can_be_an_id(store: MemoryStore, id: str) -> None:
    await store.put("acme", [fact(id, "word"), fact("a")])
    assert ids(await store.get("acme", [id])) == [id]
    assert ids(await store.by_words("acme", ["word"], Filter(), 10)) == [id]
    assert await store.delete("acme", [id]) == 1
    assert ids(await store.list("acme", Filter())) == ["a"]


async def test_content_that_is_no_plain_unicode_is_cleaned(store: MemoryStore) -> None:
    odd = "a\0b\ud800c"
    await store.put(
        "acme", [replace(fact("a", odd), text=odd, speaker=odd, session=odd, topic=odd, scope=odd)]
    )
    [found] = await store.list("acme", Filter(scopes=(odd,), session=odd, topic=odd))
    assert {found.text, found.speaker, found.session, found.topic, found.scope, found.words} == {"a�b�c"}
    assert ids(await store.by_words("acme", [odd], Filter(), 10)) == ["a"]
    assert await store.list("acme", Filter(), after=odd) == []


@pytest.mark.parametrize(
    "wrong",
    [
        np.ones(DIMENSION - 1, np.float32),
        np.ones(DIMENSION + 1, np.float32),
        np.ones((1, DIMENSION), np.float32),
        np.full(DIMENSION, np.nan, np.float32),
    ],
    ids=["short", "long", "matrix", "nan"],
)
async def test_a_vector_that_is_none_of_the_collections_is_refused(
    store: MemoryStore, wrong: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> None:
    with pytest.raises(BadInput):
        await store.put("acme", [fact("good", "", angle(0)), fact("a", "", wrong)])
    assert await store.list("acme", Filter()) == []
    with pytest.raises(BadInput):
        await store.by_vector("acme", wrong, Filter(), 10)


async def test_a_time_that_is_no_number_is_refused(store: MemoryStore) -> None:
    with pytest.raises(BadInput):
        await store.put("acme", [replace(fact("a"), at=float("nan"))])


async def test_puts_at_the_same_time_are_all_kept(store: MemoryStore) -> None:
    await asyncio.gather(
        *(
            store.put(
                f"tenant {number % 3}", [fact(f"{number}", "word", angle(number)), fact("shared", "word")]
            )
            for number in range(30)
        )
    )
    for tenant in range(3):
        expected = {f"{number}" for number in range(tenant, 30, 3)}
        name = f"tenant {tenant}"
        assert ids(await store.list(name, Filter())) == sorted(expected | {"shared"})
        assert set(ids(await store.by_vector(name, angle(0), Filter(), 50))) == expected
        assert set(ids(await store.by_words(name, ["word"], Filter(), 50))) == expected | {"shared"}
