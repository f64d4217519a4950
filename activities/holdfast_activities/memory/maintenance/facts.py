"""Facts: a new one is merged with one that says the same, or takes the place of one that it contradicts.

Of facts that contradict each other the one of most trust holds, and of those the newest:
``standing``. It does not matter in which order they arrive. The others stay as its trail,
each with the id of what took its place.
"""

from __future__ import annotations  # `Vector` is a name to type checkers only

from collections.abc import Sequence
from dataclasses import replace

from holdfast_workflows.contracts.memory import Trust

from ..base import Embedder, Filter, MemoryStore, Record, Vector
from ..finding import embeddable, fact_words
from ..finding.terms import terms
from ..outbox.changes import FactDraft
from .dedupe import same

MORE_IMPORTANT = 0.05
"""What a fact's importance grows by when it is told again."""

_TRUST: dict[Trust, int] = {"tool": 0, "agent": 0, "user": 1, "operator": 2}
_LOOKED_AT = 10  # of the candidates that may say the same
_TOPIC_CHARS = 100
_TRAIL = 20  # links that are followed to what holds; a longer trail is a mistake somewhere


def standing(fact: Record) -> tuple[int, float, str]:
    """Of two facts that contradict, the one with the greater standing holds."""
    return trust_of(fact.trust), fact.at, fact.id


def trust_of(trust: Trust) -> int:
    """More for who is trusted more; an agent and its tools are trusted alike."""
    return _TRUST[trust]


def same_topic(topic: str) -> str:
    """The form in which topics are kept and compared."""
    return " ".join(topic.casefold().split())[:_TOPIC_CHARS]


async def fact_records(
    store: MemoryStore, embedder: Embedder | None, tenant: str, drafts: Sequence[FactDraft], now: float
) -> list[Record]:
    """The records to put for new facts: theirs, and those of the facts that they change.

    A fact whose id is there already was applied before, and is left alone. Put them in one call.

    Raises:
        EmbeddingFailed: The vectors could not be had.
    """
    there = {record.id for record in await store.get(tenant, [draft.id for draft in drafts])}
    new = [draft for draft in drafts if draft.id not in there]
    vectors: Sequence[Vector | None] = [None] * len(new)
    if embedder is not None and new:
        vectors = await embedder.embed([embeddable(draft.text) for draft in new])
    facts = _Facts(store, tenant, now)
    for draft, vector in zip(new, vectors, strict=True):
        await facts.add(_record(draft, vector), draft.replaces)
    return list(facts.changed.values())


class _Facts:
    """The facts of a tenant as they will be; ``changed`` are those that are not in the store like this."""

    def __init__(self, store: MemoryStore, tenant: str, now: float) -> None:
        self.changed: dict[str, Record] = {}
        self._store = store
        self._tenant = tenant
        self._now = now

    async def add(self, fact: Record, replaces: str) -> None:
        if fact.id in self.changed:
            return
        told_before = await self._same(fact)
        if told_before is not None:
            fact = _merged(told_before, fact)
        rivals = await self._rivals(fact, replaces)
        holder = max((fact, *rivals), key=standing)
        for each in (fact, *rivals):
            self.changed[each.id] = each if each is holder else replace(each, superseded_by=holder.id)

    async def _same(self, fact: Record) -> Record | None:
        """The fact of its scope that says the same, if there is one."""
        # Of another topic it may say the same and yet contradict other facts.
        candidates = {
            id: cosine
            for id, (record, cosine) in (await self._near(fact)).items()
            if (not record.topic or not fact.topic or record.topic == fact.topic)
            and same(record.text, fact.text, cosine)
        }
        if not candidates:
            return None
        return await self._get(max(candidates, key=lambda id: (candidates[id], id)))

    async def _near(self, fact: Record) -> dict[str, tuple[Record, float]]:
        """Facts that may say the same, with their cosines."""
        wanted = Filter(scopes=(fact.scope,), kinds=("fact",), now=self._now)
        asked = list(dict.fromkeys(terms(fact.text)))
        found: dict[str, tuple[Record, float]] = {}
        if asked:
            for hit in await self._store.by_words(self._tenant, asked, wanted, _LOOKED_AT):
                found[hit.record.id] = hit.record, 0.0
        if fact.vector is not None:
            for hit in await self._store.by_vector(self._tenant, fact.vector, wanted, _LOOKED_AT):
                found[hit.record.id] = hit.record, hit.score
        for record in self.changed.values():
            found.pop(record.id, None)
            if record.scope == fact.scope and not record.superseded_by:
                found[record.id] = record, _cosine(record, fact)
        return found

    async def _rivals(self, fact: Record, replaces: str) -> list[Record]:
        """The facts that hold and that it contradicts: those of its topic, and the one it names."""
        ids: list[str] = []
        if fact.topic:
            wanted = Filter(scopes=(fact.scope,), kinds=("fact",), topic=fact.topic, now=self._now)
            ids = [record.id for record in await self._store.list(self._tenant, wanted)]
            ids += [record.id for record in self.changed.values() if _about(record, fact)]
        named = await self._holder(replaces, fact.scope) if replaces else None
        if named is not None:
            ids.append(named.id)
        found = [await self._get(id) for id in dict.fromkeys(ids) if id != fact.id]
        return [record for record in found if record is not None and not record.superseded_by]

    async def _holder(self, id: str, scope: str) -> Record | None:
        """What holds in the place of a fact today. Only within the scope: who may write to one has no say
        about another.
        """
        found = await self._get(id)
        for _ in range(_TRAIL):
            if found is None or not found.superseded_by:
                break
            found = await self._get(found.superseded_by)
        return found if found is not None and found.kind == "fact" and found.scope == scope else None

    async def _get(self, id: str) -> Record | None:
        if id in self.changed:
            return self.changed[id]
        # With its vector, which what a search or a list gives comes without.
        found = await self._store.get(self._tenant, [id])
        return found[0] if found else None


def _record(draft: FactDraft, vector: Vector | None) -> Record:
    topic = same_topic(draft.topic)
    return Record(
        id=draft.id,
        scope=draft.scope,
        kind="fact",
        text=draft.text,
        at=draft.at,
        session=draft.session,
        importance=draft.importance,
        trust=draft.trust,
        sources=tuple(dict.fromkeys(draft.sources)),
        topic=topic,
        expires=draft.expires,
        words=fact_words(draft.text, topic),
        vector=vector,
    )


def _merged(there: Record, new: Record) -> Record:
    """A fact that was told again. Told by the same sources again, it is as it was."""
    told = new.sources or (new.id,)
    if set(told) <= set(there.sources):
        return there
    trusted = trust_of(new.trust) >= trust_of(there.trust)
    # Who is trusted less confirms it, but makes it neither newer, more trusted nor more lasting, and says
    # nothing about what it is about: by a topic it takes the place of others.
    topic = there.topic or (new.topic if trusted else "")
    lasting = max(there.expires, new.expires) if there.expires and new.expires else 0.0
    return replace(
        there,
        # One that goes back to nothing but itself must not seem drawn from the new sources alone.
        sources=tuple(dict.fromkeys((*(there.sources or (there.id,)), *told))),
        importance=min(1.0, max(there.importance, new.importance) + MORE_IMPORTANT),
        at=max(there.at, new.at) if trusted else there.at,
        trust=new.trust if trusted else there.trust,
        topic=topic,
        words=fact_words(there.text, topic),
        expires=lasting if trusted else there.expires,
    )


def _about(record: Record, fact: Record) -> bool:
    return record.kind == "fact" and record.scope == fact.scope and record.topic == fact.topic


def _cosine(one: Record, other: Record) -> float:
    return 0.0 if one.vector is None or other.vector is None else float(one.vector @ other.vector)
