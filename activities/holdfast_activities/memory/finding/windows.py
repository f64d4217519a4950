"""What a memory is indexed by: a turn by its own words and its neighbours', a fact by its text and topic.

An answer seldom repeats its question. With the words of the turns before and after it, "Last
Friday" is found by what was asked there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..base import Embedder, MemoryStore, Record, Vector
from ..outbox.changes import TurnDraft
from .units import indexed


def fact_words(text: str, topic: str = "") -> str:
    """The ``Record.words`` of a fact or an episode."""
    return " ".join(indexed(f"{text}\n{topic}"))


def turn_words(text: str, neighbours: Sequence[str] = ()) -> str:
    """The ``Record.words`` of a turn between its neighbours; its own count no more than theirs, which pays best."""
    return " ".join(term for part in (text, *neighbours) for term in indexed(part))


async def turn_records(
    store: MemoryStore, embedder: Embedder | None, tenant: str, drafts: Sequence[TurnDraft]
) -> list[Record]:
    """The records to put for new turns: theirs, and those of the neighbours whose windows they enter.

    Put them in one call. Applied again, a turn keeps what was noted of its use, and is not embedded
    again. Two workers that bring neighbouring turns at the same moment may each miss the other's
    words: both turns are kept, and found a little worse.

    Raises:
        EmbeddingFailed: The vectors could not be had.
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
    touched = [record.id for record in near if new.beside(record)]
    both = _Places([*near, *records.values()])
    records.update((record.id, record) for record in await store.get(tenant, touched))
    return [both.indexed(record) for record in records.values()]


async def mended(store: MemoryStore, tenant: str, gone: Sequence[Record]) -> list[Record]:
    """The records to put once these are gone, so that no window holds their words any longer."""
    lost = {record.id: record for record in gone if record.kind == "turn"}
    if not lost:
        return []
    near = [record for record in await _near(store, tenant, lost.values()) if record.id not in lost]
    away, left = _Places(lost.values()), _Places(near)
    touched = [record.id for record in near if away.beside(record)]
    return [left.indexed(record) for record in await store.get(tenant, touched)]


async def words_anew(store: MemoryStore, tenant: str, records: Sequence[Record]) -> dict[str, str]:
    """The words of records as they are made now, by their ids, where they are others than those there."""
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
        # By scope, too: what was said in another must not be found by way of this one.
        self._at = {
            (record.scope, record.session, record.place): record for record in records if record.session
        }

    def beside(self, record: Record) -> list[Record]:
        """Those right before and after a record."""
        keys = [(record.scope, record.session, record.place + step) for step in (-1, 1)]
        return [self._at[key] for key in keys if key in self._at]

    def indexed(self, record: Record) -> Record:
        """A record with the words of its window."""
        return replace(record, words=turn_words(record.text, [other.text for other in self.beside(record)]))


def _free(draft: TurnDraft, there: Record | None) -> bool:
    """Whether the id is the draft's to take.

    Ids are made from sessions' names, and these are chosen by programs, from what users say: who names
    one so that its ids are those of another memory must not write over that.
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
    """What is embedded of a memory's text: nobody's name is put before it, so that it says what, not who."""
    return text.strip()


async def _near(store: MemoryStore, tenant: str, records: Iterable[Record]) -> list[Record]:
    """Turns up to two places away: those whose windows change, and what else is in these windows."""
    places = [(record.session, record.place) for record in records if record.session]
    return await store.around(tenant, places, 2) if places else []
