from dataclasses import replace
from typing import Any

from holdfast_activities.memory import MemoryStore, Record, TurnDraft
from holdfast_activities.memory.finding import Finder, Ranked, fact_words, turn_records
from holdfast_workflows.contracts.agent.memory import MOST

from .conftest import SubjectEmbedder

NOW = 1_700_000_000.0
DAY = 86_400.0


async def _put_facts(
    store: MemoryStore, embedder: SubjectEmbedder, *texts: str, tenant: str = "acme", **fields: Any
) -> None:
    vectors = await embedder.embed(texts)
    base = Record(id="", scope="user:1", kind="fact", text="", at=NOW - DAY)
    await store.put(
        tenant,
        [
            replace(base, **({"id": text} | fields), text=text, words=fact_words(text), vector=vector)
            for text, vector in zip(texts, vectors, strict=True)
        ],
    )


async def _find(
    store: MemoryStore,
    embedder: SubjectEmbedder | None,
    text: str,
    tenant: str = "acme",
    scope: str = "user:1",
) -> list[str]:
    return _texts(await Finder(store, embedder).search(text, tenant=tenant, scopes=(scope,), now=NOW))


def _texts(found: list[Ranked]) -> list[str]:
    return [one.record.text for one in found]


PETS = ("Her spaniel is called Biscuit.", "She works as a nurse.", "The flat is in Lisbon.")


async def test_a_memory_is_found_by_words_and_by_vector(
    memories: MemoryStore, embedder: SubjectEmbedder
) -> None:
    await _put_facts(memories, embedder, *PETS)
    assert (await _find(memories, embedder, "Biscuit"))[0] == PETS[0]
    assert await _find(memories, embedder, "Which profession is it?") == [PETS[1]]


async def test_an_unrelated_query_finds_nothing(memories: MemoryStore, embedder: SubjectEmbedder) -> None:
    await _put_facts(memories, embedder, *PETS)
    for text in (
        "What is the boiling point of tungsten?",
        "Deploy the release branch to staging",
        "thanks!",
        "?",
        "",
    ):
        assert await _find(memories, embedder, text) == []
        assert await _find(memories, None, text) == []


async def test_the_floor_limits_the_scores(memories: MemoryStore, embedder: SubjectEmbedder) -> None:
    await _put_facts(memories, embedder, *PETS)
    finder = Finder(memories, embedder)
    all_of_them = await finder.search("spaniel", tenant="acme", scopes=(), floor=0.0, now=NOW)
    assert _texts(all_of_them)[0] == PETS[0]
    assert len(all_of_them) == len(PETS)
    assert await finder.search("spaniel", tenant="acme", scopes=(), floor=1.0, now=NOW) == []


async def test_the_limit_bounds_the_results(memories: MemoryStore, embedder: SubjectEmbedder) -> None:
    await _put_facts(memories, embedder, *(f"My dog number {number}" for number in range(30)))
    assert len(await _find(memories, embedder, "dog")) == MOST
    few = await Finder(memories, embedder).search("dog", tenant="acme", scopes=(), limit=3, now=NOW)
    assert len(few) == 3


async def test_without_an_embedder_search_uses_words(
    memories: MemoryStore, embedder: SubjectEmbedder
) -> None:
    await _put_facts(memories, embedder, *PETS)
    assert await _find(memories, None, "Where is the flat?") == [PETS[2]]
    assert await _find(memories, None, "Which profession is it?") == []


async def test_search_uses_words_if_the_embedder_fails(
    memories: MemoryStore, embedder: SubjectEmbedder
) -> None:
    await _put_facts(memories, embedder, *PETS)
    embedder.down = True
    assert await _find(memories, embedder, "Where is the flat?") == [PETS[2]]


async def test_scopes_and_tenants_do_not_mix(memories: MemoryStore, embedder: SubjectEmbedder) -> None:
    await _put_facts(memories, embedder, "my dog", id="a", scope="user:1")
    await _put_facts(memories, embedder, "your dog", id="b", scope="user:2")
    await _put_facts(memories, embedder, "their dog", id="a", tenant="other")
    assert await _find(memories, embedder, "dog") == ["my dog"]
    assert await _find(memories, embedder, "dog", scope="user:2") == ["your dog"]
    assert await _find(memories, embedder, "dog", tenant="other") == ["their dog"]
    assert await _find(memories, embedder, "dog", tenant="unknown") == []


async def test_neighbouring_turns_match_the_filter(memories: MemoryStore, embedder: SubjectEmbedder) -> None:
    drafts = [
        TurnDraft(id="1", scope="user:1", text="What about the violin?", at=NOW, session="s", place=1),
        TurnDraft(id="2", scope="user:2", text="A secret.", at=NOW, session="s", place=2),
        TurnDraft(id="3", scope="user:1", text="An old one.", at=NOW, session="s", place=0, expires=NOW - 1),
    ]
    await memories.put("acme", await turn_records(memories, embedder, "acme", drafts))
    finder = Finder(memories, embedder)
    found = await finder.search("violin", tenant="acme", scopes=("user:1",), floor=0.0, now=NOW)
    assert _texts(found) == ["What about the violin?"]


async def test_superseded_and_expired_memories_are_not_found(
    memories: MemoryStore, embedder: SubjectEmbedder
) -> None:
    await _put_facts(memories, embedder, "The dog is old.", superseded_by="x")
    await _put_facts(memories, embedder, "The dog is late.", expires=NOW - 1)
    await _put_facts(memories, embedder, "The dog is here.", expires=NOW + 1)
    assert await _find(memories, embedder, "dog") == ["The dog is here."]


async def test_only_the_requested_kinds_are_found(memories: MemoryStore, embedder: SubjectEmbedder) -> None:
    await _put_facts(memories, embedder, "The dog barks.", kind="fact")
    await _put_facts(memories, embedder, "The dog sleeps.", kind="episode")
    found = await Finder(memories, embedder).search(
        "dog", tenant="acme", scopes=(), kinds=("episode",), now=NOW
    )
    assert _texts(found) == ["The dog sleeps."]


async def test_a_named_speaker_ranks_first_and_is_not_embedded(
    memories: MemoryStore, embedder: SubjectEmbedder
) -> None:
    await _put_facts(memories, embedder, "The dog came home.", id="1", speaker="Ann")
    await _put_facts(memories, embedder, "The dog came in.", id="2", speaker="Ben")
    assert (await _find(memories, embedder, "What of Ben's dog?"))[0] == "The dog came in."
    assert embedder.texts[-1] == "What of my dog?"
    assert (await _find(memories, embedder, "What of Ann's dog?"))[0] == "The dog came home."


async def test_an_answer_is_found_by_the_question_before_it(
    memories: MemoryStore, embedder: SubjectEmbedder
) -> None:
    said = [
        "When was the violin lesson?",
        "Last Friday, at six.",
        "Ah, nice.",
        "Rain again.",
        "It never ends.",
    ]
    drafts = [
        TurnDraft(id=f"{place}", scope="user:1", text=text, at=NOW - DAY, session="s", place=place)
        for place, text in enumerate(said)
    ]
    await memories.put("acme", await turn_records(memories, None, "acme", drafts))
    assert said[1] in (await _find(memories, None, "violin lesson"))[:2]


async def test_yesterday_is_relative_to_now(memories: MemoryStore, embedder: SubjectEmbedder) -> None:
    await _put_facts(memories, embedder, "We cooked a meal.", id="1", at=NOW - 30 * DAY)
    await _put_facts(memories, embedder, "We cooked a dish.", id="2", at=NOW - DAY)
    assert (await _find(memories, embedder, "What was cooked yesterday?"))[0] == "We cooked a dish."
    assert (await _find(memories, embedder, "What was cooked a month ago?"))[0] == "We cooked a meal."
