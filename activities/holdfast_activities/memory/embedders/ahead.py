"""Vectors made ahead, for work that must not wait for a server."""

from collections.abc import Mapping, Sequence
from typing import Self

from holdfast_activities.memory.base import Embedder, Vector


class Ahead:
    """An embedder of texts that were embedded before. See ``Embedder``."""

    def __init__(self, embedder: Embedder, vectors: Mapping[str, Vector]) -> None:
        self.model = embedder.model
        self._embedder = embedder
        self._vectors = vectors

    @classmethod
    async def of(cls, embedder: Embedder, texts: Sequence[str]) -> Self:
        """The vectors of these texts.

        Raises:
            EmbeddingFailed: They could not be had.
        """
        different = list(dict.fromkeys(texts))
        made = await embedder.embed(different) if different else []
        return cls(embedder, dict(zip(different, made, strict=True)))

    async def dimension(self) -> int:
        return await self._embedder.dimension()

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """See ``Embedder``; only of the texts it was made with."""
        return [self._vectors[text] for text in texts]

    async def close(self) -> None:
        """Nothing to let go of; the other embedder is its owner's."""
