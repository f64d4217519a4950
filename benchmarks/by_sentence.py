"""Search with a vector of each sentence and of the whole turn, of which the nearest counts. Stores do not have this.

It was tried and not taken: it stores more vectors for about as much recall.
"""

import re
from collections.abc import Sequence

import numpy as np

from holdfast_activities.memory.base import Embedder, Filter, Record, Scored, Vector

from .asked import Asked
from .retrieval_data import Conversation

_END = re.compile(r"(?<=[.!?])\s+")
_LEAST = 25  # characters; a shorter sentence is joined with the next


class BySentence:
    """The searches of a store, but by the vectors of sentences."""

    def __init__(self, asked: Asked, embedder: Embedder, conversations: Sequence[Conversation]) -> None:
        self._asked = asked
        self._embedder = embedder
        self._of = {made.name: made for made in conversations}

    async def by_words(self, tenant: str, terms: Sequence[str], wanted: Filter, limit: int) -> list[Scored]:
        return await self._asked.by_words(tenant, terms, wanted, limit)

    async def around(self, tenant: str, places: Sequence[tuple[str, int]], reach: int = 1) -> list[Record]:
        return await self._asked.around(tenant, places, reach)

    async def by_vector(self, tenant: str, vector: Vector, wanted: Filter, limit: int) -> list[Scored]:
        turns = self._of[tenant].turns
        # All turns with the cosine of their whole text.
        whole = await self._asked.by_vector(tenant, vector, wanted, len(turns))
        parts = [(one.id, part) for one in turns for part in sentences(one.text)]
        cosines = np.stack(await self._embedder.embed([part for _, part in parts])) @ vector
        best = {hit.record.id: hit.score for hit in whole}
        for (id, _), cosine in zip(parts, cosines.tolist(), strict=True):
            best[id] = max(best[id], cosine)
        found = [Scored(hit.record, best[hit.record.id]) for hit in whole]
        return sorted(found, key=lambda hit: (-hit.score, hit.record.id))[:limit]


def sentences(text: str) -> list[str]:
    """Split a text; a sentence that says little is joined with the next."""
    found: list[str] = []
    rest = ""
    for part in _END.split(text.strip()):
        rest = f"{rest} {part}".strip()
        if len(rest) >= _LEAST:
            found.append(rest)
            rest = ""
    return [*found, rest] if rest else found
