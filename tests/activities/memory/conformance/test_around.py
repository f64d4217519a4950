"""Turns are found by their neighbours."""

from dataclasses import replace

from holdfast_activities.memory import MemoryStore

from .records import fact, ids, turn


async def test_the_turns_before_and_after_a_place_are_found_with_it(store: MemoryStore) -> None:
    said = [turn(f"{session}{place}", session, place) for session in "st" for place in range(1, 8)]
    await store.put("acme", [*said, replace(fact("s-fact"), session="s", place=4)])
    await store.put("other", [turn("theirs", "s", 4)])
    assert sorted(ids(await store.around("acme", [("s", 4)]))) == ["s3", "s4", "s5"]
    assert sorted(ids(await store.around("acme", [("s", 4)], 2))) == ["s2", "s3", "s4", "s5", "s6"]
    assert sorted(ids(await store.around("acme", [("s", 4)], 0))) == ["s4"]
    assert sorted(ids(await store.around("acme", [("s", 1), ("t", 7)]))) == ["s1", "s2", "t6", "t7"]


async def test_a_turn_near_two_places_is_found_once(store: MemoryStore) -> None:
    await store.put("acme", [turn(f"s{place}", "s", place) for place in range(1, 8)])
    found = await store.around("acme", [("s", 3), ("s", 4), ("s", 4)])
    assert sorted(ids(found)) == ["s2", "s3", "s4", "s5"]


async def test_what_is_found_around_comes_whole(store: MemoryStore) -> None:
    whole = replace(turn("a", "s – ü", 1), speaker="Ann", words="a word", superseded_by="episode")
    await store.put("acme", [whole])
    assert await store.around("acme", [("s – ü", 2)]) == [whole]


async def test_around_nothing_is_nothing(store: MemoryStore) -> None:
    await store.put("acme", [turn("a", "s", 1)])
    assert await store.around("acme", []) == []
    assert await store.around("acme", [("s", 9), ("nowhere", 1)]) == []
    assert await store.around("nobody", [("s", 1)]) == []
