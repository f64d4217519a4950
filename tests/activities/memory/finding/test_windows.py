from dataclasses import replace

from holdfast_activities.memory import MemoryStore, TurnDraft
from holdfast_activities.memory.finding import fact_words, neighbours_without, turn_records

from .conftest import SubjectEmbedder


def _draft(place: int, text: str, scope: str = "user:1", session: str = "s") -> TurnDraft:
    return TurnDraft(id=f"{session}:{place}", scope=scope, text=text, at=1.0, session=session, place=place)


async def _put_turns(
    store: MemoryStore, embedder: SubjectEmbedder | None, *drafts: TurnDraft, tenant: str = "acme"
) -> None:
    await store.put(tenant, await turn_records(store, embedder, tenant, drafts))


async def _words(store: MemoryStore, id: str) -> set[str]:
    [record] = await store.get("acme", [id])
    return {word for word in record.words.split() if not word.startswith("~")}  # without n-grams


def test_a_fact_is_found_by_its_text_and_its_topic() -> None:
    assert fact_words("She lives in Lisbon.", "home city").split() == ["live", "lisbon", "home", "citi"]


async def test_a_turn_is_indexed_with_its_neighbours_words(
    memories: MemoryStore, embedder: SubjectEmbedder
) -> None:
    await _put_turns(
        memories, embedder, _draft(1, "violin"), _draft(2, "Friday"), _draft(3, "teacher"), _draft(4, "rain")
    )
    assert await _words(memories, "s:2") == {"violin", "friday", "teacher"}
    assert await _words(memories, "s:4") == {"teacher", "rain"}


async def test_a_new_turn_enters_the_window_of_the_one_before(
    memories: MemoryStore, embedder: SubjectEmbedder
) -> None:
    await _put_turns(memories, embedder, _draft(1, "violin"), _draft(2, "piano"))
    await _put_turns(memories, embedder, _draft(3, "trumpet"))
    assert await _words(memories, "s:2") == {"violin", "piano", "trumpet"}
    assert await _words(memories, "s:1") == {"violin", "piano"}
    [before] = await memories.get("acme", ["s:2"])
    assert before.vector is not None


async def test_windows_end_at_a_session_and_at_a_scope(
    memories: MemoryStore, embedder: SubjectEmbedder
) -> None:
    other = _draft(3, "trumpet", scope="user:2")
    await _put_turns(memories, embedder, _draft(2, "piano"), other, _draft(2, "drum", session="t"))
    assert await _words(memories, "s:2") == {"piano"}
    assert await _words(memories, "s:3") == {"trumpet"}


async def test_windows_end_at_a_tenant(memories: MemoryStore, embedder: SubjectEmbedder) -> None:
    await _put_turns(memories, embedder, _draft(1, "violin"), tenant="other")
    await _put_turns(memories, embedder, _draft(2, "piano"))
    assert await _words(memories, "s:2") == {"piano"}


async def test_turns_without_a_session_have_no_neighbours(
    memories: MemoryStore, embedder: SubjectEmbedder
) -> None:
    await _put_turns(memories, embedder, _draft(1, "violin", session=""), _draft(2, "piano", session=""))
    assert await _words(memories, ":2") == {"piano"}


async def test_a_repeated_turn_keeps_its_uses_and_its_vector(
    memories: MemoryStore, embedder: SubjectEmbedder
) -> None:
    await _put_turns(memories, embedder, _draft(1, "violin"))
    [record] = await memories.get("acme", ["s:1"])
    await memories.put("acme", [replace(record, used=5.0, uses=2)])
    await _put_turns(memories, embedder, _draft(1, "violin"))
    [again] = await memories.get("acme", ["s:1"])
    assert (again.used, again.uses, again.words) == (5.0, 2, record.words)
    assert embedder.texts == ["violin"]


async def test_deleted_turns_leave_no_words_in_their_neighbours(
    memories: MemoryStore, embedder: SubjectEmbedder
) -> None:
    await _put_turns(
        memories, embedder, _draft(1, "violin"), _draft(2, "secret"), _draft(3, "teacher"), _draft(4, "rain")
    )
    gone = await memories.get("acme", ["s:2"])
    await memories.delete("acme", ["s:2"])
    await memories.put("acme", await neighbours_without(memories, "acme", gone))
    assert await _words(memories, "s:1") == {"violin"}
    assert await _words(memories, "s:3") == {"teacher", "rain"}


async def test_without_turns_no_records_change(memories: MemoryStore) -> None:
    assert await neighbours_without(memories, "acme", []) == []
    assert await turn_records(memories, None, "acme", []) == []
