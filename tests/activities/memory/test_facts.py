"""Facts merge with what says the same, and take the place of what they contradict, in whatever order they come."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from holdfast_activities.memory import FactDraft, Memories
from holdfast_activities.memory.maintenance.dedupe import same

from .keeper import START, Axes, change, fact, memories_at, stored


@pytest.fixture
async def memories(tmp_path: Path) -> AsyncIterator[Memories]:
    async with memories_at(tmp_path) as memories:
        yield memories


async def test_a_repeated_fact_is_merged_with_more_sources_and_importance(
    memories: Memories,
) -> None:
    first = fact("a", "Ann likes green tea.", sources=("s1:1",), importance=0.5)
    assert await memories.apply(change(facts=[first])) == 1
    again = fact("b", "ann likes Green Tea", sources=("s2:7",), importance=0.6, at=START + 5)
    assert await memories.apply(change(facts=[again])) == 1
    [kept] = (await stored(memories)).values()
    assert (kept.id, kept.text, kept.sources) == ("a", "Ann likes green tea.", ("s1:1", "s2:7"))
    assert kept.importance == pytest.approx(0.65)
    assert kept.at == START + 5


@pytest.mark.parametrize("facts", [("a", "a"), ("a", "b")], ids=["the same fact", "one that is merged"])
async def test_applying_a_change_is_idempotent(memories: Memories, facts: tuple[str, str]) -> None:
    await memories.apply(change(facts=[fact("a", "Ann likes green tea.")]))
    again = change(facts=[fact(facts[1], "Ann likes green tea.", sources=("s1:4",))])
    await memories.apply(again)
    before = await stored(memories, superseded=True)
    assert await memories.apply(again) == 0
    assert await stored(memories, superseded=True) == before


async def test_a_newer_fact_of_a_topic_supersedes_the_older_one(
    memories: Memories,
) -> None:
    await memories.apply(change(facts=[fact("a", "Ann lives in Lisbon.", topic="Home City")]))
    await memories.apply(change(facts=[fact("b", "Ann lives in Porto.", topic="home  city", at=START + 9)]))
    assert set(await stored(memories)) == {"b"}
    everything = await stored(memories, superseded=True)
    assert {id: each.superseded_by for id, each in everything.items()} == {"a": "b", "b": ""}
    found = await memories.search("Where does Ann live?", tenant="", scopes=["user:42"], floor=0.0)
    assert [each.id for each in found] == ["b"]


async def test_a_fact_supersedes_the_one_it_names(memories: Memories) -> None:
    await memories.apply(change(facts=[fact("a", "Ann has a cat.")]))
    await memories.apply(change(facts=[fact("b", "Ann's cat has died.", replaces="a", at=START + 9)]))
    await memories.apply(change(facts=[fact("c", "Ann has a new cat.", replaces="a", at=START + 10)]))
    everything = await stored(memories, superseded=True)
    assert {id: each.superseded_by for id, each in everything.items()} == {"a": "b", "b": "c", "c": ""}


async def test_an_older_fact_that_arrives_late_is_superseded(memories: Memories) -> None:
    await memories.apply(change(facts=[fact("new", "Ann lives in Porto.", topic="home", at=START + 9)]))
    await memories.apply(change(facts=[fact("old", "Ann lives in Lisbon.", topic="home", at=START)]))
    everything = await stored(memories, superseded=True)
    assert {id: each.superseded_by for id, each in everything.items()} == {"new": "", "old": "new"}


@pytest.mark.parametrize("trust", ["agent", "tool"])
async def test_a_less_trusted_fact_does_not_supersede_a_more_trusted_one(
    memories: Memories, trust: str
) -> None:
    await memories.apply(change(facts=[fact("user", "Ann lives in Lisbon.", topic="home")]))
    later = fact("other", "Ann lives in Moscow.", topic="home", trust=trust, replaces="user", at=START + 99)
    await memories.apply(change(facts=[later]))
    everything = await stored(memories, superseded=True)
    assert {id: each.superseded_by for id, each in everything.items()} == {"user": "", "other": "user"}


async def test_the_valid_fact_does_not_depend_on_the_order_of_arrival(tmp_path: Path) -> None:
    facts = [
        fact("tool", "Ann lives in Rome.", topic="home", trust="tool", at=START + 50),
        fact("old", "Ann lives in Lisbon.", topic="home", at=START),
        fact("new", "Ann lives in Porto.", topic="home", at=START + 9),
    ]
    for number, order in enumerate(itertools.permutations(facts)):
        async with memories_at(tmp_path / str(number)) as memories:
            for each in order:
                await memories.apply(change(facts=[each]))
            assert set(await stored(memories)) == {"new"}, order
            assert len(await stored(memories, superseded=True)) == 3


async def test_facts_of_one_change_are_compared_with_each_other(memories: Memories) -> None:
    facts = [
        fact("a", "Ann likes tea.", sources=("s1:1",)),
        fact("b", "Ann likes tea!", sources=("s1:2",)),
        fact("c", "Ann lives in Lisbon.", topic="home"),
        fact("d", "Ann lives in Porto.", topic="home", at=START + 1),
    ]
    await memories.apply(change(facts=facts))
    assert {id: each.sources for id, each in (await stored(memories)).items()} == {
        "a": ("s1:1", "s1:2"),
        "d": (),
    }


async def test_facts_of_other_scopes_and_tenants_are_separate(memories: Memories) -> None:
    one = fact("a", "Ann lives in Lisbon.", topic="home")
    await memories.apply(change(facts=[one], tenant="acme"))
    await memories.apply(change(facts=[one], tenant="globex"))
    elsewhere = fact("b", "Ann lives in Lisbon.", topic="home", scope="tenant", replaces="a", at=START + 1)
    await memories.apply(change(facts=[elsewhere], tenant="acme"))
    assert set(await stored(memories, "acme")) == {"a", "b"}
    assert set(await stored(memories, "globex")) == {"a"}


async def test_a_paraphrased_fact_is_merged_by_its_vector(tmp_path: Path) -> None:
    one, other = "Ann works for Acme as an engineer.", "Ann is an engineer at Acme"
    async with memories_at(tmp_path, Axes(near=[(one, other)])) as memories:
        await memories.apply(change(facts=[fact("a", one)]))
        await memories.apply(change(facts=[fact("b", other)]))
        assert {id: each.sources for id, each in (await stored(memories)).items()} == {"a": ("a", "b")}


async def test_a_fact_without_sources_survives_its_later_sources(memories: Memories) -> None:
    await memories.apply(change(facts=[fact("a", "Ann likes tea.")]))
    await memories.apply(change(facts=[fact("b", "Ann likes tea.", sources=("s1:1",), session="s1")]))
    await memories.erase("", session="s1")
    assert {id: each.sources for id, each in (await stored(memories)).items()} == {"a": ("a",)}


DIFFERENT: list[tuple[str, str]] = [
    ("Ann bought the car in 2019.", "Ann sold the car in 2019."),
    ("Ann has 2 cats.", "Ann has 3 cats."),
    ("Ann has two cats.", "Ann has three cats."),
    ("Ann likes tea.", "Ann does not like tea."),
    ("Ann likes tea.", "Ann doesn't like tea."),
    ("Ann loves Bob.", "Bob loves Ann."),
    ("The meeting is on Monday.", "The meeting is on Tuesday."),
    ("Ann is an engineer.", "Ann is an engineer at Acme."),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_similar_texts_with_different_meaning_are_two_facts(one: str, other: str) -> None:
    assert not same(one, other, cosine=0.99)
    assert same(one, one.upper())


async def test_the_draft_of_a_topic_joins_a_fact_without_one(memories: Memories) -> None:
    await memories.apply(change(facts=[fact("a", "Ann lives in Porto.")]))
    lisbon = FactDraft(id="b", scope="user:42", text="Ann lives in Lisbon.", at=START, topic="home")
    await memories.apply(change(facts=[lisbon]))
    await memories.apply(change(facts=[fact("c", "Ann lives in Porto.", topic="home", at=START + 9)]))
    everything = await stored(memories, superseded=True)
    assert {id: (each.topic, each.superseded_by) for id, each in everything.items()} == {
        "a": ("home", ""),
        "b": ("home", "a"),
    }


async def test_a_less_trusted_source_does_not_change_the_fact_it_confirms(memories: Memories) -> None:
    """Else an agent could have one of the user's facts take the place of another, or keep one for ever."""
    home = fact("home", "Ann lives in Lisbon.", topic="home city")
    tea = fact("tea", "Ann likes tea.", at=START + 1, expires=START + 1e10)
    await memories.apply(change(facts=[home, tea]))
    told = fact("told", "Ann likes tea.", at=START + 2, topic="home city", trust="agent")
    await memories.apply(change(facts=[told]))
    there = await stored(memories)
    assert set(there) == {"home", "tea"}
    assert (there["tea"].topic, there["tea"].expires) == ("", START + 1e10)
