"""Vectors computed in advance, for work that must not wait for a server."""

from collections.abc import Mapping, Sequence
from typing import Self

from holdfast_activities.memory.base import Embedder, Vector


class Precomputed:
    """An ``Embedder`` of texts that were embedded before."""

    def __init__(self, embedder: Embedder, vectors: Mapping[str, Vector]) -> None:
        self.model = embedder.model
        self._embedder = embedder
        self._vectors = vectors

    @classmethod
    async def of(cls, embedder: Embedder, texts: Sequence[str]) -> Self:
        """Embed these texts.

        Raises:
            EmbeddingFailed: The embedder failed.
        """
        distinct = list(dict.fromkeys(texts))
        vectors = await embedder.embed(distinct) if distinct else []
        return cls(embedder, dict(zip(distinct, vectors, strict=True)))

    async def dimension(self) -> int:
        return await self._embedder.dimension()

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return the vectors; KeyError for a text that was not embedded."""
        return [self._vectors[text] for text in texts]

    async def close(self) -> None:
        """Do nothing; the other embedder is closed by its owner."""
