"""Index words of memories: a turn by its own words and its neighbours', a fact by its text and topic.

An answer seldom repeats its question: "Last Friday" is found by the words of the question before it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..base import Embedder, MemoryStore, Record, Vector
from ..outbox.changes import TurnDraft
from .units import indexed


def fact_words(text: str, topic: str = "") -> str:
    """Return ``Record.words`` of a fact or an episode."""
    return " ".join(indexed(f"{text}\n{topic}"))


def turn_words(text: str, neighbours: Sequence[str] = ()) -> str:
    """Return ``Record.words`` of a turn; its own words count no more than its neighbours', which ranks best."""
    return " ".join(term for part in (text, *neighbours) for term in indexed(part))


async def turn_records(
    store: MemoryStore, embedder: Embedder | None, tenant: str, drafts: Sequence[TurnDraft]
) -> list[Record]:
    """Return the records to put for new turns: theirs, and the neighbours whose words change. Put them in one call.

    An existing turn keeps its uses and vector. Two workers that add neighbouring turns at the same time may miss
    each other's words: both turns are stored but rank slightly lower.

    Raises:
        EmbeddingFailed: The embedder failed.
    """
    if not drafts:
        return []
    there = {record.id: record for record in await store.get(tenant, [draft.id for draft in drafts])}
    records = {
        draft.id: _record(draft, there.get(draft.id)) for draft in drafts if _free(draft, there.get(draft.id))
    }
    await _embed(embedder, records)
    new = _Places(records.values())
    near = [record for record in await _near(store, tenant, records.values()) if record.id not in records]
    touched = [record.id for record in near if new.neighbours(record)]
    both = _Places([*near, *records.values()])
    records.update((record.id, record) for record in await store.get(tenant, touched))
    return [both.indexed(record) for record in records.values()]


async def mended(store: MemoryStore, tenant: str, gone: Sequence[Record]) -> list[Record]:
    """Return the neighbours to put after a deletion, without the deleted turns' words."""
    lost = {record.id: record for record in gone if record.kind == "turn"}
    if not lost:
        return []
    near = [record for record in await _near(store, tenant, lost.values()) if record.id not in lost]
    away, left = _Places(lost.values()), _Places(near)
    touched = [record.id for record in near if away.neighbours(record)]
    return [left.indexed(record) for record in await store.get(tenant, touched)]


async def new_words(store: MemoryStore, tenant: str, records: Sequence[Record]) -> dict[str, str]:
    """Return the current words of records, by id, where they differ from the stored ones."""
    turns = [record for record in records if record.kind == "turn"]
    places = [(record.session, record.place) for record in turns if record.session]
    windows = _Places([*(await store.around(tenant, places, 1) if places else ()), *turns])
    made = {
        record.id: windows.indexed(record).words
        if record.kind == "turn"
        else fact_words(record.text, record.topic)
        for record in records
    }
    return {record.id: made[record.id] for record in records if made[record.id] != record.words}


class _Places:
    """Turns by their places."""

    def __init__(self, records: Iterable[Record]) -> None:
        # By scope, too: a search in one scope must not match words of another.
        self._at = {
            (record.scope, record.session, record.place): record for record in records if record.session
        }

    def neighbours(self, record: Record) -> list[Record]:
        """Return the turns directly before and after a record."""
        keys = [(record.scope, record.session, record.place + step) for step in (-1, 1)]
        return [self._at[key] for key in keys if key in self._at]

    def indexed(self, record: Record) -> Record:
        """Return the record with its own and its neighbours' words."""
        return replace(
            record, words=turn_words(record.text, [other.text for other in self.neighbours(record)])
        )


def _free(draft: TurnDraft, there: Record | None) -> bool:
    """Whether the draft may use its id.

    Ids contain session names, which may come from users: a crafted name must not overwrite another memory.
    """
    return there is None or (there.kind, there.scope, there.session) == ("turn", draft.scope, draft.session)


def _record(draft: TurnDraft, there: Record | None) -> Record:
    same = there is not None and there.text == draft.text
    return Record(
        id=draft.id,
        scope=draft.scope,
        kind="turn",
        text=draft.text,
        at=draft.at,
        speaker=draft.speaker,
        session=draft.session,
        place=draft.place,
        importance=draft.importance,
        trust=draft.trust,
        expires=draft.expires,
        used=there.used if there else 0.0,
        uses=there.uses if there else 0,
        vector=there.vector if there and same else None,
    )


async def _embed(embedder: Embedder | None, records: dict[str, Record]) -> None:
    bare = [record for record in records.values() if record.vector is None]
    if embedder is None or not bare:
        return
    vectors: list[Vector] = await embedder.embed([embeddable(record.text) for record in bare])
    for record, vector in zip(bare, vectors, strict=True):
        records[record.id] = replace(record, vector=vector)


def embeddable(text: str) -> str:
    """Return the text to embed: without the speaker, so that the vector represents the content."""
    return text.strip()


async def _near(store: MemoryStore, tenant: str, records: Iterable[Record]) -> list[Record]:
    """Return turns up to two places away: the neighbours that change, and their neighbours."""
    places = [(record.session, record.place) for record in records if record.session]
    return await store.around(tenant, places, 2) if places else []
