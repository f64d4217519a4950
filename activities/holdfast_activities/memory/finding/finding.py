"""Looks for memories in a store, whichever it is."""

from collections.abc import Sequence

from holdfast_activities import clock
from holdfast_workflows.contracts.errors import EmbeddingFailed
from holdfast_workflows.contracts.memory import FLOOR, MOST, MemoryKind

from ..base import Embedder, Filter, MemoryStore, Record, Scored
from .query import Query
from .ranking import Found, Weights, rank

_CANDIDATES = 200
"""How many the store is asked for, by words and again by vector."""
_LEADS = 10
"""How many of the best of each have the turns near them looked at, which may answer without a word of the query."""


class Finder:
    """Finds what bears on a text.

    Args:
        store: Where to look; begun for the embedder's vectors.
        embedder: Puts the query as a vector; None to find by words only. Where it fails, a search goes on by words.
        weights: What each signal counts.
    """

    def __init__(self, store: MemoryStore, embedder: Embedder | None, weights: Weights | None = None) -> None:
        self._store = store
        self._embedder = embedder
        self._weights = weights or Weights()

    async def search(
        self,
        text: str,
        *,
        tenant: str,
        scopes: Sequence[str] = (),
        kinds: Sequence[MemoryKind] = (),
        limit: int = MOST,
        floor: float = FLOOR,
        now: float = 0.0,
    ) -> list[Found]:
        """The memories of a relevance of ``floor`` or more, best first; none of the scopes means all of the tenant.

        ``now`` is what dates in the text are relative to, and what has expired by then is not found; the clock by default.

        Raises:
            MemoryUnavailable: The store does not answer.
        """
        now = now or clock.now()
        query = Query.read(text, now)
        wanted = Filter(scopes=tuple(scopes), kinds=tuple(kinds), now=now)
        by_words = await self._by_words(tenant, query, wanted)
        # What was found by words tells who speaks here, and so which words of the query are names.
        speakers = {hit.record.speaker for hit in by_words} - {""}
        about = query.asked_about(speakers) if self._weights.names else frozenset[str]()
        unnamed = query.without_names(about)
        if unnamed != query:
            by_words = await self._by_words(tenant, unnamed, wanted)
        by_vector = await self._by_vector(tenant, query, about, wanted)
        beside = await self._beside(tenant, [*by_words[:_LEADS], *(by_vector or ())[:_LEADS]], wanted)
        ranked = rank(unnamed, about, by_words, by_vector, beside, now, self._weights, limit)
        return [found for found in ranked if found.score >= floor]

    async def _by_words(self, tenant: str, query: Query, wanted: Filter) -> list[Scored]:
        if not query.terms:
            return []
        return await self._store.by_words(tenant, query.terms, wanted, _CANDIDATES)

    async def _by_vector(
        self, tenant: str, query: Query, about: frozenset[str], wanted: Filter
    ) -> list[Scored] | None:
        if self._embedder is None or not query.text.strip():
            return None
        text = query.in_first_person(min(about)) if len(about) == 1 else query.text
        try:
            [vector] = await self._embedder.embed([text])
        except EmbeddingFailed:
            return None
        return await self._store.by_vector(tenant, vector, wanted, _CANDIDATES)

    async def _beside(self, tenant: str, leads: Sequence[Scored], wanted: Filter) -> list[Record]:
        places = {(lead.record.session, lead.record.place) for lead in leads if lead.record.session}
        if not places or (wanted.kinds and "turn" not in wanted.kinds):
            return []
        near = await self._store.around(tenant, sorted(places), 2)
        return [record for record in near if _meant(record, wanted)]


def _meant(record: Record, wanted: Filter) -> bool:
    """Whether a filter means a record that was found by its place, which no filter was asked for."""
    in_scope = not wanted.scopes or record.scope in wanted.scopes
    return in_scope and not record.superseded_by and not 0 < record.expires <= wanted.now
