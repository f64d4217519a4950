"""What is brought to the memories is found again, each tenant its own, whatever order it came in."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from holdfast_activities.memory import Change, Memories
from holdfast_activities.memory.library import OpenMemory
from holdfast_workflows.contracts.agent.memory import MemoryQuery, MemoryTurn
from holdfast_workflows.contracts.errors import EmbeddingFailed

from .keeper import START, USER, Axes, change, fact, memories_at, said, stored


@pytest.fixture
async def memories(tmp_path: Path) -> AsyncIterator[Memories]:
    async with memories_at(tmp_path) as memories:
        yield memories


async def test_a_turn_is_found_with_its_score_and_why(memories: Memories) -> None:
    await memories.apply(change(turns=[said(1, "I moved to Porto in May."), said(2, "It rains a lot.")]))
    [best, *_] = await memories.search("When did Ann move to Porto?", tenant="", scopes=[USER])
    assert (best.id, best.speaker, best.session, best.at, best.kind) == (
        "s1:1",
        "Ann",
        "s1",
        START + 60,
        "turn",
    )
    assert 0.3 <= best.score <= 1.0
    assert "words" in best.why
    assert await memories.search("Which car does Bob drive?", tenant="", scopes=[USER]) == []
    assert await memories.search(" ", tenant="", scopes=[USER]) == []


async def test_only_the_scopes_and_kinds_asked_for_are_found(memories: Memories) -> None:
    await memories.apply(
        change(
            turns=[said(1, "Tea is what I like.")],
            facts=[fact("mine", "Ann likes tea."), fact("his", "Bob likes tea.", scope="user:7")],
        )
    )
    found = await memories.search("Who likes tea?", tenant="", scopes=[USER], kinds=["fact"], floor=0.0)
    assert [each.id for each in found] == ["mine"]
    found = await memories.search("Who likes tea?", tenant="", scopes=["user:7"], floor=0.0)
    assert [each.id for each in found] == ["his"]


async def test_tenants_never_see_each_other(memories: Memories) -> None:
    for tenant in ("acme", "globex", ""):
        await memories.apply(
            change(turns=[said(1, f"The secret of {tenant or 'nobody'} is tea.")], tenant=tenant)
        )
    for tenant in ("acme", "globex", ""):
        [found] = await memories.search("secret tea", tenant=tenant, scopes=[], floor=0.0)
        assert (tenant or "nobody") in found.text
        assert len(await memories.forget(tenant, ["s1:2"])) == 0
    await memories.forget("acme", ["s1:1"])
    assert len(await stored(memories, "globex")) == 1


async def test_a_change_applied_twice_changes_nothing(memories: Memories) -> None:
    brought = change(
        turns=[said(1, "Hello, I am Ann."), said(2, "I like tea.")], facts=[fact("a", "Ann likes tea.")]
    )
    assert await memories.apply(brought) == 3
    before = await stored(memories)
    assert await memories.apply(brought) == 0
    assert await stored(memories) == before


async def test_blank_turns_are_not_kept(memories: Memories) -> None:
    assert await memories.apply(change(turns=[said(1, "  \n"), said(2, "Yes.")])) == 1


async def test_changes_in_any_order_give_the_same(tmp_path: Path) -> None:
    changes = [change(turns=[said(number, f"Sentence {number} of tea and boats.")]) for number in range(6)]
    changes += [
        change(facts=[fact(name, f"{name} likes tea.", sources=("s1:1",))]) for name in ("Ann", "Bob")
    ]
    results: list[object] = []
    for number in range(3):
        random.Random(number).shuffle(changes)
        async with memories_at(tmp_path / str(number)) as memories:
            for each in changes:
                await memories.apply(each)
            found = await memories.search("Who likes tea and boats?", tenant="", scopes=[], floor=0.0)
            results.append(
                (await stored(memories), sorted((each.id, round(each.score, 3)) for each in found))
            )
    assert results[0] == results[1] == results[2]


async def test_changes_at_once_lose_nothing(memories: Memories) -> None:
    brought: list[Change] = [
        change(
            turns=[said(number, f"Ann said sentence {number}.")],
            facts=[fact(f"f{number}", "Ann likes tea.", sources=(f"s1:{number}",))],
        )
        for number in range(20)
    ]
    await asyncio.gather(*(memories.apply(each) for each in brought))
    everything = await stored(memories)
    assert len(everything) == 21
    [merged] = [each for each in everything.values() if each.kind == "fact"]
    assert set(merged.sources) == {f"s1:{number}" for number in range(20)}


async def test_memories_are_listed_page_by_page(memories: Memories) -> None:
    await memories.apply(change(facts=[fact(f"f{number}", f"Fact {number}.") for number in range(5)]))
    first = await memories.list(MemoryQuery(limit=3))
    assert [each.id for each in first.memories] == ["f0", "f1", "f2"]
    assert first.more
    rest = await memories.list(MemoryQuery(limit=3, after="f2"))
    assert [each.id for each in rest.memories] == ["f3", "f4"]
    assert not rest.more
    searched = await memories.list(MemoryQuery(text="fact 3", floor=0.0))
    assert searched.memories[0].id == "f3"


async def test_texts_are_embedded_once_and_a_search_finds_by_meaning(tmp_path: Path) -> None:
    asked, answer = "What does my flat cost?", "The rent is 900."
    embedder = Axes(near=[(asked, answer)])
    async with memories_at(tmp_path, embedder) as memories:
        brought = change(turns=[said(1, answer), said(2, "Fine.")], facts=[fact("a", "Ann likes tea.")])
        await memories.apply(brought)
        assert sorted(embedder.asked) == sorted([answer, "Fine.", "Ann likes tea."])
        [best, *_] = await memories.search(asked, tenant="", scopes=[USER])
        assert best.id == "s1:1"
        assert "vector" in best.why


async def test_without_the_embedder_a_search_goes_on_by_words_and_a_change_waits(tmp_path: Path) -> None:
    embedder = Axes()
    async with memories_at(tmp_path, embedder) as memories:
        await memories.apply(change(turns=[said(1, "I moved to Porto.")]))
    embedder.down = True
    async with memories_at(tmp_path, embedder) as memories:
        [found] = await memories.search("Porto move", tenant="", scopes=[USER])
        assert found.id == "s1:1"
        brought = change(turns=[said(2, "The river is wide.")])
        with pytest.raises(EmbeddingFailed):
            await memories.apply(brought)
        assert len(await stored(memories)) == 1
        embedder.down = False
        assert await memories.apply(brought) == 2, "it, and its neighbour's window"


async def test_the_same_words_said_by_two_users_are_two_memories(tmp_path: Path) -> None:
    async with memories_at(tmp_path) as memories:
        library = OpenMemory(memories)
        [one] = await library.add([MemoryTurn(text="I like tea.")], scope="user:1")
        [two] = await library.add([MemoryTurn(text="I like tea.")], scope="user:2")
        assert one != two
        assert {id: view.scope for id, view in (await stored(memories)).items()} == {
            one: "user:1",
            two: "user:2",
        }


@pytest.mark.parametrize("victim", ["s1:1:fact:7", "s1:1"])
async def test_no_turn_takes_the_id_of_another_memory(memories: Memories, victim: str) -> None:
    """Who names a session so that its turns' ids are those of others' memories changes none of them."""
    session, _, number = victim.rpartition(":")
    await memories.apply(
        change(turns=[said(1, "I like tea.")], facts=[fact("s1:1:fact:7", "Ann's tea is green.")])
    )
    before = await stored(memories)
    stranger = said(int(number), "Ann hates tea.", session=session, scope="user:666")
    await memories.apply(change(turns=[stranger]))
    assert await stored(memories) == before
