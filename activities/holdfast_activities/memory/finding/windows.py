"""Index words of memories: a turn by its own words and its neighbours', a fact by its text and topic.

An answer seldom repeats its question: "Last Friday" is found by the words of the question before it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..base import Embedder, MemoryStore, Record, Vector
from ..outbox.changes import TurnDraft
from .units import indexed


def fact_words(text: str, topic: str = "") -> str:
    """Return ``Record.words`` of a fact or an episode."""
    return " ".join(indexed(f"{text}\n{topic}"))


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
    old = {record.id: record for record in await store.get(tenant, [draft.id for draft in drafts])}
    records = {
        draft.id: _record(draft, old.get(draft.id))
        for draft in drafts
        if _may_write(draft, old.get(draft.id))
    }
    await _embed(embedder, records)
    near, changed = await _near(store, tenant, records)
    places = _Places([*near, *records.values()])
    return [places.indexed(record) for record in (*records.values(), *changed)]


async def neighbours_without(store: MemoryStore, tenant: str, deleted: Sequence[Record]) -> list[Record]:
    """Return the neighbours to put after a deletion, without the deleted turns' words."""
    turns = {record.id: record for record in deleted if record.kind == "turn"}
    near, changed = await _near(store, tenant, turns)
    places = _Places(near)
    return [places.indexed(record) for record in changed]


async def new_words(store: MemoryStore, tenant: str, records: Sequence[Record]) -> dict[str, str]:
    """Return the current words of records, by id, where they differ from the stored ones."""
    turns = [record for record in records if record.kind == "turn"]
    places = [(record.session, record.place) for record in turns if record.session]
    windows = _Places([*(await store.around(tenant, places, 1) if places else ()), *turns])
    made = {
        record: windows.indexed(record).words
        if record.kind == "turn"
        else fact_words(record.text, record.topic)
        for record in records
    }
    return {record.id: words for record, words in made.items() if words != record.words}


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
        """Return the record with its own and its neighbours' words. All count the same, which ranks best."""
        texts = (record.text, *(other.text for other in self.neighbours(record)))
        return replace(record, words=" ".join(term for text in texts for term in indexed(text)))


def _may_write(draft: TurnDraft, old: Record | None) -> bool:
    """Whether the draft may use its id.

    Ids contain session names, which may come from users: a crafted name must not overwrite another memory.
    """
    return old is None or (old.kind, old.scope, old.session) == ("turn", draft.scope, draft.session)


def _record(draft: TurnDraft, old: Record | None) -> Record:
    new = Record(kind="turn", **dict(draft))
    if old is None:
        return new
    vector = old.vector if old.text == draft.text else None
    return replace(new, used=old.used, uses=old.uses, vector=vector)


async def _embed(embedder: Embedder | None, records: dict[str, Record]) -> None:
    without = [record for record in records.values() if record.vector is None]
    if embedder is None or not without:
        return
    vectors: list[Vector] = await embedder.embed([embeddable(record.text) for record in without])
    for record, vector in zip(without, vectors, strict=True):
        records[record.id] = replace(record, vector=vector)


def embeddable(text: str) -> str:
    """Return the text to embed: without the speaker, so that the vector represents the content."""
    return text.strip()


async def _near(
    store: MemoryStore, tenant: str, turns: Mapping[str, Record]
) -> tuple[list[Record], list[Record]]:
    """Return the other turns up to two places away, and in full those of them that are direct neighbours."""
    pairs = [(record.session, record.place) for record in turns.values() if record.session]
    around = await store.around(tenant, pairs, 2) if pairs else []
    near = [record for record in around if record.id not in turns]
    places = _Places(turns.values())
    ids = [record.id for record in near if places.neighbours(record)]
    return near, await store.get(tenant, ids) if ids else []
