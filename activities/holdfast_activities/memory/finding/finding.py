"""Searches any memory store."""

from collections.abc import Sequence

from holdfast_activities import clock
from holdfast_workflows.contracts.agent.memory import FLOOR, MOST, MemoryKind
from holdfast_workflows.contracts.errors import EmbeddingFailed

from ..base import Embedder, Filter, MemoryStore, Record, Scored
from .query import Query
from .ranking import Ranked, Weights, rank

_CANDIDATES = 200
"""Candidates requested from the store, by words and again by vector."""
_LEADS = 10
"""Top hits of each search whose neighbouring turns become candidates: an answer may share no word with the query."""


class Finder:
    """Finds memories relevant to a text. Without an embedder, or while it fails, the search uses words only."""

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
    ) -> list[Ranked]:
        """Return the memories with a score of at least ``floor``, best first. No scopes means the whole tenant.

        Relative dates and expiry are resolved at ``now`` (default: the clock).

        Raises:
            MemoryUnavailable: The store does not answer.
        """
        now = now or clock.now()
        query = Query.read(text, now)
        wanted = Filter(scopes=tuple(scopes), kinds=tuple(kinds), now=now)
        by_words = await self._by_words(tenant, query, wanted)
        # The speakers of the hits show which words of the query are names.
        speakers = {hit.record.speaker for hit in by_words} - {""}
        about = query.speakers_named(speakers) if self._weights.names else frozenset[str]()
        unnamed = query.without_names(about)
        if unnamed != query:
            by_words = await self._by_words(tenant, unnamed, wanted)
        by_vector = await self._by_vector(tenant, query, about, wanted)
        nearby = await self._nearby(tenant, [*by_words[:_LEADS], *(by_vector or ())[:_LEADS]], wanted)
        ranked = rank(unnamed, about, by_words, by_vector, nearby, now, self._weights, limit)
        return [one for one in ranked if one.score >= floor]

    async def _by_words(self, tenant: str, query: Query, wanted: Filter) -> list[Scored]:
        terms = query.terms
        return await self._store.by_words(tenant, terms, wanted, _CANDIDATES) if terms else []

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

    async def _nearby(self, tenant: str, leads: Sequence[Scored], wanted: Filter) -> list[Record]:
        places = {(lead.record.session, lead.record.place) for lead in leads if lead.record.session}
        if not places or (wanted.kinds and "turn" not in wanted.kinds):
            return []
        return [
            record
            for record in await self._store.around(tenant, sorted(places), 2)
            if (not wanted.scopes or record.scope in wanted.scopes)
            and not record.superseded_by
            and not 0 < record.expires <= wanted.now
        ]
