"""Add facts: merge a new fact with one that says the same, or supersede one that it contradicts.

Of contradicting facts the most trusted is valid, then the newest (``standing``), in whatever order they arrive. The
others stay as its trail, each with the id of the fact that superseded it.
"""

from __future__ import annotations  # `Vector` is a name to type checkers only

from collections.abc import Sequence
from dataclasses import replace

from holdfast_workflows.contracts.agent.memory import Trust

from ..base import Embedder, Filter, MemoryStore, Record, Vector
from ..finding import embeddable, fact_words
from ..finding.terms import terms
from ..outbox.changes import FactDraft
from .dedupe import same

MORE_IMPORTANT = 0.05  # added to a fact's importance when it is repeated

TRUST_RANK: dict[Trust, int] = {"tool": 0, "agent": 0, "user": 1, "operator": 2}
_CANDIDATES = 10  # that may say the same
_TOPIC_CHARS = 100
_TRAIL = 20  # links followed to the valid fact; a longer trail is an error


def standing(fact: Record) -> tuple[int, float, str]:
    """Sort key of contradicting facts; the greatest is valid."""
    return TRUST_RANK[fact.trust], fact.at, fact.id


def same_topic(topic: str) -> str:
    """Normalise a topic for storage and comparison."""
    return " ".join(topic.casefold().split())[:_TOPIC_CHARS]


async def fact_records(
    store: MemoryStore, embedder: Embedder | None, tenant: str, drafts: Sequence[FactDraft], now: float
) -> list[Record]:
    """Return the records to put for new facts, with the facts they change. Put them in one call.

    A fact whose id exists was applied before and is skipped.

    Raises:
        EmbeddingFailed: The embedder failed.
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
    """The facts of a tenant after the change; ``changed`` are those that differ from the store."""

    def __init__(self, store: MemoryStore, tenant: str, now: float) -> None:
        self.changed: dict[str, Record] = {}
        self._store = store
        self._tenant = tenant
        self._now = now

    async def add(self, fact: Record, replaces: str) -> None:
        if fact.id in self.changed:
            return
        existing = await self._same(fact)
        if existing is not None:
            fact = _merged(existing, fact)
        rivals = await self._rivals(fact, replaces)
        holder = max((fact, *rivals), key=standing)
        for each in (fact, *rivals):
            self.changed[each.id] = each if each is holder else replace(each, superseded_by=holder.id)

    async def _same(self, fact: Record) -> Record | None:
        """Return the fact of the scope that says the same, if any."""
        # With another topic it may say the same and still contradict other facts.
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
        """Return facts that may say the same, with their cosines."""
        wanted = Filter(scopes=(fact.scope,), kinds=("fact",), now=self._now)
        query = list(dict.fromkeys(terms(fact.text)))
        found: dict[str, tuple[Record, float]] = {}
        if query:
            for hit in await self._store.by_words(self._tenant, query, wanted, _CANDIDATES):
                found[hit.record.id] = hit.record, 0.0
        if fact.vector is not None:
            for hit in await self._store.by_vector(self._tenant, fact.vector, wanted, _CANDIDATES):
                found[hit.record.id] = hit.record, hit.score
        for record in self.changed.values():
            found.pop(record.id, None)
            if record.scope == fact.scope and not record.superseded_by:
                cosine = 0.0
                if record.vector is not None and fact.vector is not None:
                    cosine = float(record.vector @ fact.vector)
                found[record.id] = record, cosine
        return found

    async def _rivals(self, fact: Record, replaces: str) -> list[Record]:
        """Return the valid facts that it contradicts: those of its topic, and the one it replaces."""
        ids: list[str] = []
        if fact.topic:
            wanted = Filter(scopes=(fact.scope,), kinds=("fact",), topic=fact.topic, now=self._now)
            ids = [record.id for record in await self._store.list(self._tenant, wanted)]
            ids += [
                each.id
                for each in self.changed.values()
                if (each.scope, each.topic) == (fact.scope, fact.topic)
            ]
        named = await self._holder(replaces, fact.scope) if replaces else None
        if named is not None:
            ids.append(named.id)
        found = [await self._get(id) for id in dict.fromkeys(ids) if id != fact.id]
        return [record for record in found if record is not None and not record.superseded_by]

    async def _holder(self, id: str, scope: str) -> Record | None:
        """Return the valid fact that replaced a fact. Only within the scope: writers of one scope cannot change another."""
        found = await self._get(id)
        for _ in range(_TRAIL):
            if found is None or not found.superseded_by:
                break
            found = await self._get(found.superseded_by)
        return found if found is not None and found.kind == "fact" and found.scope == scope else None

    async def _get(self, id: str) -> Record | None:
        if id in self.changed:
            return self.changed[id]
        # ``get`` includes the vector; ``search`` and ``list`` do not.
        found = await self._store.get(self._tenant, [id])
        return found[0] if found else None


def _record(draft: FactDraft, vector: Vector | None) -> Record:
    topic = same_topic(draft.topic)
    return Record(
        **draft.model_dump(exclude={"topic", "sources", "replaces"}),
        kind="fact",
        sources=tuple(dict.fromkeys(draft.sources)),
        topic=topic,
        words=fact_words(draft.text, topic),
        vector=vector,
    )


def _merged(there: Record, new: Record) -> Record:
    """Merge a repeated fact; repeated by the same sources, it stays unchanged."""
    sources = new.sources or (new.id,)
    if set(sources) <= set(there.sources):
        return there
    trusted = TRUST_RANK[new.trust] >= TRUST_RANK[there.trust]
    # A less trusted source confirms the fact but does not change its time, trust, expiry or topic, by which it
    # could supersede others.
    topic = there.topic or (new.topic if trusted else "")
    lasting = max(there.expires, new.expires) if there.expires and new.expires else 0.0
    return replace(
        there,
        # A fact without sources must not look derived from the new sources alone.
        sources=tuple(dict.fromkeys((*(there.sources or (there.id,)), *sources))),
        importance=min(1.0, max(there.importance, new.importance) + MORE_IMPORTANT),
        at=max(there.at, new.at) if trusted else there.at,
        trust=new.trust if trusted else there.trust,
        topic=topic,
        words=fact_words(there.text, topic),
        expires=lasting if trusted else there.expires,
    )
