"""Memories decay, expire, are forgotten, drawn together and erased, with what was drawn from them."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from holdfast_activities.memory import Filter, Memories, MemoryStore, Record, TurnDraft, Vector
from holdfast_activities.memory.embedded import open_embedded
from holdfast_activities.memory.maintenance.episodes import CONFIRMED_AFTER, MIN_TURNS, TURNS, representative
from holdfast_activities.memory.maintenance.lifecycle import faded
from holdfast_workflows.contracts.agent.memory import Trust
from holdfast_workflows.contracts.errors import EmbeddingFailed, MemoryUnavailable
from holdfast_workflows.contracts.names import call_key

from .keeper import DAY, START, USER, Axes, change, fact, memories_at, said, stored

NOW = START + 400 * DAY


@pytest.fixture
async def memories(tmp_path: Path) -> AsyncIterator[Memories]:
    async with memories_at(tmp_path) as memories:
        yield memories


def record(**given: object) -> Record:
    return replace(Record("a", USER, "fact", "Ann likes tea.", START, trust="agent"), **given)  # type: ignore[arg-type] # a test's own fields


@pytest.mark.parametrize(
    ("given", "gone"),
    [
        ({}, False),
        ({"importance": 0.2}, True),
        ({"importance": 0.2, "used": NOW - 100 * DAY}, False),
        ({"importance": 0.2, "uses": 3}, False),
        ({"importance": 0.05, "used": NOW - 80 * DAY}, False),
        ({"importance": 0.2, "trust": "user"}, True),
        ({"importance": 0.3, "trust": "user", "at": 0.0}, False),
        ({"importance": 0.3, "trust": "operator", "at": 0.0}, False),
        ({"importance": 0.3, "trust": "user", "at": 0.0, "superseded_by": "b"}, True),
        ({"importance": 0.3, "trust": "user", "at": 0.0, "kind": "turn"}, True),
    ],
)
def test_unimportant_unused_memories_decay(given: dict[str, object], gone: bool) -> None:
    assert faded(record(**given), NOW) is gone


@pytest.mark.parametrize("trust", ["agent", "user"])
async def test_expiry_deletes_expired_and_decayed_memories(
    memories: Memories, tmp_path: Path, trust: Trust
) -> None:
    facts = [
        fact("past", "The code is 1234.", expires=NOW - 1),
        fact("later", "The code is 5678.", expires=NOW + 1),
        fact("faint", "Ann once wore a hat.", importance=0.05, trust=trust),
        fact("strong", "Ann is a nurse.", importance=0.9, trust=trust),
    ]
    await memories.apply(change(facts=facts))
    await _age(tmp_path)
    assert await memories.expire(NOW) == 2
    assert await memories.expire(NOW) == 0
    assert await memories.get("", ["past", "faint"]) == []
    assert len(await memories.get("", ["later", "strong"])) == 2


async def test_held_memories_neither_expire_nor_become_episodes(memories: Memories) -> None:
    turns = [said(n, f"turn {n} about boats", session="old") for n in range(MIN_TURNS + 10)]
    await memories.apply(change(turns=turns, facts=[fact("past", "The code is 1234.", expires=NOW - 1)]))
    late = _long_after()
    assert await memories.expire(NOW, lambda _, each: each.id == "past") == 0
    assert await memories.consolidate(late, lambda _, each: each.session == "old") == 0
    assert await memories.expire(NOW) == 1
    assert await memories.consolidate(late) > 0


async def test_an_old_turn_stored_today_does_not_decay(memories: Memories) -> None:
    await memories.apply(change(facts=[fact("faint", "Ann once wore a hat.", at=0.0, importance=0.05)]))
    assert await memories.expire(time.time() + 80 * DAY) == 0
    assert await memories.expire(time.time() + 100 * DAY) == 1


async def test_a_search_records_uses(tmp_path: Path) -> None:
    async with memories_at(tmp_path) as memories:
        await memories.apply(change(facts=[fact("a", "Ann likes tea."), fact("b", "Bob rides a bicycle.")]))
        await memories.search("Does Ann like tea?", tenant="", scopes=[USER])
    store = await open_embedded(tmp_path / "memory.db")
    assert {each.id: each.uses for each in await store.get("", ["a", "b"])} == {"a": 1, "b": 0}
    await store.close()


async def test_forgetting_a_fact_deletes_its_trail(memories: Memories) -> None:
    await memories.apply(change(facts=[fact("a", "Ann lives in Lisbon.", topic="home")]))
    await memories.apply(change(facts=[fact("b", "Ann lives in Porto.", topic="home", at=START + 1)]))
    await memories.apply(change(facts=[fact("c", "Ann lives in Rome.", topic="home", at=START + 2)]))
    await memories.apply(change(facts=[fact("other", "Ann likes tea.")]))
    assert len(await memories.forget("", ["c", "no such"])) == 3
    assert set(await stored(memories, superseded=True)) == {"other"}


async def test_a_forgotten_turn_is_not_found_through_its_neighbours(memories: Memories) -> None:
    await memories.apply(change(turns=[said(1, "The password is swordfish."), said(2, "Thanks, noted.")]))
    assert len(await memories.search("swordfish password", tenant="", scopes=[USER], floor=0.0)) == 2
    await memories.apply(change(forget=["s1:1"]))
    assert await memories.search("swordfish password", tenant="", scopes=[USER], floor=0.0) == []


async def test_a_long_old_session_becomes_episodes_with_sources(memories: Memories) -> None:
    await memories.apply(change(turns=_session("old", 50) + _session("short", MIN_TURNS)))
    now = _long_after()
    assert await memories.consolidate(START) == 0, "nothing is past yet"
    assert await memories.consolidate(now) == 50
    everything = await stored(memories)
    episodes = [each for each in everything.values() if each.kind == "episode"]
    assert sorted(len(each.sources) for each in episodes) == [50 % TURNS, TURNS, TURNS]
    assert {each.session for each in episodes} == {"old"}
    assert sum(each.session == "short" for each in everything.values()) == MIN_TURNS
    found = await memories.search("Where does the boat lie?", tenant="", scopes=[USER], kinds=["episode"])
    assert "harbour of Lisbon" in found[0].text
    assert await memories.consolidate(now) == 0


async def test_turns_stay_until_their_episode_is_durable(tmp_path: Path) -> None:
    embedder = Axes()
    async with memories_at(tmp_path, embedder) as memories:
        await memories.apply(change(turns=_session("old", 50)))
        embedder.down = True
        with pytest.raises(EmbeddingFailed):
            await memories.consolidate(_long_after())
        assert len(await stored(memories)) == 50


async def test_an_episode_expires_with_the_first_of_its_turns(memories: Memories) -> None:
    now = _long_after()
    expiring = [
        turn.model_copy(update={"expires": now + turn.place}) if turn.place % 2 else turn
        for turn in _session("old", MIN_TURNS + 1)
    ]
    await memories.apply(change(turns=expiring))
    await memories.consolidate(now)
    assert len(await stored(memories)) == 3
    await memories.expire(now + 2)
    left = {source for view in (await stored(memories)).values() for source in view.sources}
    assert left == {f"old:{number}" for number in range(TURNS, MIN_TURNS + 1)}


async def test_an_interrupted_forget_leaves_no_words_after_the_retry(tmp_path: Path) -> None:
    class Breaking:
        """A store that answers so many writes and no more."""

        def __init__(self, store: MemoryStore) -> None:
            self.writes = 1_000
            self._store = store

        def __getattr__(self, name: str) -> Any:
            if name in ("put", "delete"):
                if not self.writes:
                    raise MemoryUnavailable("switched off")
                self.writes -= 1
            return getattr(self._store, name)

    store = Breaking(await open_embedded(tmp_path / "memory.db"))
    memories = Memories(cast("MemoryStore", store))
    await memories.apply(change(turns=[said(1, "The password is swordfish."), said(2, "Thanks, noted.")]))
    store.writes = 1
    with pytest.raises(MemoryUnavailable):
        await memories.forget("", ["s1:1"])
    store.writes = 1_000
    await memories.forget("", ["s1:1"])
    assert await memories.search("swordfish password", tenant="", scopes=[USER], floor=0.0) == []
    await memories.close()


async def test_an_interrupted_consolidation_is_finished_by_the_next(memories: Memories) -> None:
    turns = _session("old", 50)
    await memories.apply(change(turns=turns))
    await memories.consolidate(_long_after())
    episodes = await stored(memories)
    # As it is where the episodes were written and only some of the turns removed.
    await memories.apply(change(turns=turns[7:30]))
    assert await memories.consolidate(_long_after()) == 0, "whoever wrote them may still be at it"
    assert await memories.consolidate(_long_after() + 2 * CONFIRMED_AFTER) == 23
    assert await stored(memories) == episodes


def test_an_episode_has_the_representative_sentences_in_order() -> None:
    said_of_it = [
        "Hello!",
        "The boat lies in the harbour of Lisbon.",
        "Okay.",
        "The harbour master knows the boat.",
    ]
    turns = [
        replace(record(kind="turn"), text=text, speaker="Ann", id=str(place))
        for place, text in enumerate(said_of_it * 4)
    ]
    lines = representative(turns).splitlines()
    assert lines == [f"Ann: {said_of_it[1]}", f"Ann: {said_of_it[3]}"]
    assert representative([replace(record(kind="turn"), text="Okay.")]) == "Okay."


async def test_erasing_a_session_deletes_facts_derived_from_it_alone(memories: Memories) -> None:
    await memories.apply(change(turns=[said(1, "I live in Porto."), said(1, "I like tea.", session="s2")]))
    facts = [
        fact("here", "Ann lives in Porto.", sources=("s1:1",), session="s1"),
        fact("both", "Ann likes tea.", sources=("s1:1", "s2:1"), session="s1"),
        fact("there", "Ann drinks a lot.", sources=("s2:1",), session="s2"),
        fact("told", "Ann has a car.", session="s1"),
        fact("long ago", "Ann had a dog.", sources=("s1:900",)),
        fact("own", "This session is about cars.", scope="session:s1"),
        fact("given", "Ann is a nurse.", trust="operator"),
    ]
    await memories.apply(change(facts=facts))
    assert await memories.erase("", session="s1") == 5
    left = await stored(memories, superseded=True)
    assert {id: each.sources for id, each in left.items()} == {
        "both": ("s2:1",),
        "there": ("s2:1",),
        "given": (),
        "s2:1": (),
    }
    assert "s1" not in repr(left)
    assert await memories.erase("", session="s1") == 0


async def test_a_fact_superseded_from_an_erased_session_is_valid_again(memories: Memories) -> None:
    chain = [
        fact("a", "Ann lives in Lisbon.", topic="home", sources=("s2:1",)),
        fact("b", "Ann lives in Porto.", topic="home", sources=("s1:1",), at=START + 1),
        fact("c", "Ann lives in Rome.", topic="home", sources=("s3:1",), at=START + 2),
    ]
    await memories.apply(change(facts=chain))
    await memories.erase("", session="s1")
    left = await stored(memories, superseded=True)
    assert {id: each.superseded_by for id, each in left.items()} == {"a": "c", "c": ""}
    await memories.erase("", session="s3")
    assert {id: each.superseded_by for id, each in (await stored(memories)).items()} == {"a": ""}


async def test_erasing_an_old_session_deletes_its_episodes_and_facts(
    memories: Memories,
) -> None:
    turns = [turn.model_copy(update={"id": f"mail-{turn.place}"}) for turn in _session("old", 50)]
    await memories.apply(change(turns=turns, facts=[fact("a", "Ann has a boat.", sources=("mail-3",))]))
    await memories.consolidate(_long_after())
    await memories.erase("", session="old")
    assert await stored(memories, superseded=True) == {}


async def test_erasing_a_scope_deletes_derived_facts_and_keeps_others(memories: Memories) -> None:
    await memories.apply(change(turns=[said(1, "I live in Porto."), said(2, "I am Bob.", scope="user:7")]))
    facts = [
        fact("mine", "Ann lives in Porto."),
        fact("shared", "A customer lives in Porto.", scope="tenant", sources=("s1:1",)),
        fact("his", "Bob is here.", scope="user:7", sources=("s1:2",)),
    ]
    await memories.apply(change(facts=facts))
    await memories.erase("", scope=USER)
    assert set(await stored(memories, superseded=True)) == {"s1:2", "his"}


async def test_erasing_memories_of_a_tenant_keeps_other_tenants(memories: Memories) -> None:
    for tenant in ("acme", "globex"):
        await memories.apply(change(turns=[said(1, "Hello.")], facts=[fact("a", "Ann.")], tenant=tenant))
    assert await memories.erase("acme") == 2
    assert await stored(memories, "acme") == {}
    assert len(await stored(memories, "globex")) == 2
    assert (await memories.stats()).tenants == 1


def _session(name: str, turns: int) -> list[TurnDraft]:
    texts = ["The boat lies in the harbour of Lisbon.", "Okay.", "It needs new paint before May.", "I see."]
    return [said(number, texts[number % 4], session=name) for number in range(turns)]


def _long_after() -> float:
    """When what is stored now is past."""
    return time.time() + 31 * DAY


async def _age(folder: Path) -> None:
    """Make what is there as old as it says, as if it had been stored then."""
    store = await open_embedded(folder / "memory.db")
    there = await store.list("", Filter(superseded=True))
    await store.put("", [replace(each, used=each.at) for each in there])
    await store.close()


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
async def test_a_fact_is_deleted_with_its_last_source_session(
    memories: Memories, order: tuple[str, str]
) -> None:
    """Facts that agents remember by their tool go back to a call, not to a turn."""
    for session in ("a", "b"):
        told = fact(call_key(session, 7), "Ann likes tea.", session=session, trust="agent")
        await memories.apply(change(facts=[told]))
    assert len(await stored(memories)) == 1
    await memories.erase("", session=order[0])
    assert len(await stored(memories)) == 1
    await memories.erase("", session=order[1])
    assert await stored(memories) == {}


@pytest.mark.parametrize("gone", [("s1:3",), tuple(f"s1:{number}" for number in range(MIN_TURNS + 1))])
async def test_a_turn_forgotten_during_consolidation_does_not_return(
    tmp_path: Path, gone: tuple[str, ...]
) -> None:
    class Forgetting(Axes):
        """Has turns forgotten while the first episode is embedded."""

        waiting: list[Memories]

        async def embed(self, texts: Sequence[str]) -> list[Vector]:
            while self.waiting:
                await self.waiting.pop().forget("", gone)
            return await super().embed(texts)

    embedder = Forgetting()
    embedder.waiting = []
    async with memories_at(tmp_path, embedder) as memories:
        turns = [said(number, f"Canary {number} sings of tea.") for number in range(MIN_TURNS + 1)]
        await memories.apply(change(turns=turns))
        embedder.waiting = [memories]
        await memories.consolidate(time.time() + 40 * DAY)
        assert not embedder.waiting
        there = await stored(memories)
        assert not set(gone) & {id for view in there.values() for id in (view.id, *view.sources)}
        # What is left is drawn together by the next run.
        assert {id for view in there.values() for id in (view.id, *view.sources)} >= {
            turn.id for turn in turns if turn.id not in gone
        }
