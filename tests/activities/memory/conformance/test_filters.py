"""A filter means the same records to every method that takes one."""

from dataclasses import replace

import pytest

from holdfast_activities.memory import Filter, MemoryStore

from .records import angle, fact, ids

BASE = fact("", "word", angle(10))
RECORDS = [
    replace(BASE, id="a"),
    replace(BASE, id="b", scope="user:1"),
    replace(BASE, id="c", scope="user:2", kind="turn", session="s1", place=1),
    replace(BASE, id="d", scope="user:1", kind="episode", session="s2"),
    replace(BASE, id="e", scope="user:1", topic="home city"),
    replace(BASE, id="f", scope="user:1", topic="home city", superseded_by="e"),
    replace(BASE, id="g", expires=5_000.0),
    replace(BASE, id="h", at=900.0, scope="user:12"),
]

CASES = [
    (Filter(), "abcdegh"),
    (Filter(superseded=True), "abcdefgh"),
    (Filter(scopes=("user:1",)), "bde"),
    (Filter(scopes=("user:1", "user:2")), "bcde"),
    (Filter(scopes=("user",)), ""),
    (Filter(scopes=("user:1", "nobody")), "bde"),
    (Filter(kinds=("turn",)), "c"),
    (Filter(kinds=("turn", "episode")), "cd"),
    (Filter(session="s1"), "c"),
    (Filter(session="s"), ""),
    (Filter(topic="home city"), "e"),
    (Filter(topic="home"), ""),
    (Filter(topic="home city", superseded=True), "ef"),
    (Filter(now=4_999.0), "abcdegh"),
    (Filter(now=5_000.0), "abcdeh"),
    (Filter(now=5_000.0, expired=True), "g"),
    (Filter(now=4_999.0, expired=True), ""),
    (Filter(expired=True), ""),
    (Filter(before=1_000.0), "h"),
    (Filter(before=1_000.5), "abcdegh"),
    (Filter(scopes=("user:1",), kinds=("fact",), topic="home city", superseded=True, now=1.0), "ef"),
    (Filter(scopes=("user:1",), kinds=("fact",), session="s2"), ""),
    (Filter(scopes=("user:1",), kinds=("episode",), session="s2", before=2_000.0, now=9_000.0), "d"),
]


@pytest.fixture
async def filled(store: MemoryStore) -> MemoryStore:
    await store.put("acme", RECORDS)
    await store.put("other", RECORDS)
    return store


async def test_a_filter_means_the_same_in_a_list_and_in_both_searches(filled: MemoryStore) -> None:
    for wanted, expected in CASES:
        assert "".join(ids(await filled.list("acme", wanted))) == expected, wanted
        found = await filled.by_words("acme", ["word"], wanted, 50)
        assert "".join(sorted(ids(found))) == expected, wanted
        near = await filled.by_vector("acme", angle(0), wanted, 50)
        assert "".join(sorted(ids(near))) == expected, wanted


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [case for case in CASES if case[1]][::4],
    ids=[case[1] for case in CASES if case[1]][::4],
)
async def test_what_a_filter_means_is_erased_and_nothing_else(
    filled: MemoryStore, wanted: Filter, expected: str
) -> None:
    everything = Filter(superseded=True)
    assert await filled.erase("acme", wanted) == len(expected)
    rest = [record.id for record in RECORDS if record.id not in expected]
    assert ids(await filled.list("acme", everything)) == rest
    assert sorted(ids(await filled.by_words("acme", ["word"], everything, 50))) == rest
    assert sorted(ids(await filled.by_vector("acme", angle(0), everything, 50))) == rest
    assert await filled.erase("acme", wanted) == 0
    assert len(await filled.list("other", everything)) == len(RECORDS)


async def test_the_filter_is_applied_before_the_limit(store: MemoryStore) -> None:
    near = [fact(f"near {number:02}", "word word", angle(number / 10)) for number in range(40)]
    far = [fact("far", "word and many more words besides that one", angle(60), scope="user:1")]
    await store.put("acme", [*near, *far])
    assert ids(await store.by_vector("acme", angle(0), Filter(scopes=("user:1",)), 1)) == ["far"]
    assert ids(await store.by_words("acme", ["word"], Filter(scopes=("user:1",)), 1)) == ["far"]
    assert ids(await store.list("acme", Filter(scopes=("user:1",)), limit=1)) == ["far"]


async def test_a_list_is_read_page_by_page_in_order_of_ids(store: MemoryStore) -> None:
    names = ["a", "B", "ä", "z", "Z", "10", "9", "a b", "a/b", "🙂", "\uffee"]
    await store.put("acme", [fact(name) for name in names])
    found: list[str] = []
    while page := ids(await store.list("acme", Filter(), after=found[-1] if found else "", limit=3)):
        assert len(page) <= 3
        found += page
    assert found == sorted(names)


async def test_a_list_comes_without_vectors_and_with_everything_else(filled: MemoryStore) -> None:
    found = await filled.list("acme", Filter(superseded=True))
    assert found == RECORDS
    assert all(record.vector is None for record in found)


async def test_a_limit_of_none_gives_none(filled: MemoryStore) -> None:
    assert await filled.list("acme", Filter(), limit=0) == []
    assert await filled.by_words("acme", ["word"], Filter(), 0) == []
    assert await filled.by_vector("acme", angle(0), Filter(), 0) == []
