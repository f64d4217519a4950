"""An embedder with deadlines and a circuit breaker: a search uses words only while its server is down or slow."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from holdfast_activities.memory.base import Embedder, Vector
from holdfast_activities.memory.guard.gate import Gate
from holdfast_workflows.contracts.errors import EmbeddingFailed

if TYPE_CHECKING:
    from holdfast_activities.resilience import Breakers

ONE_SECONDS = 3.0
"""Deadline for one text; a search waits for it."""

MORE_SECONDS = 60.0
"""Deadline for several texts, and for loading a model."""


class GuardedEmbedder:
    """An embedder whose calls are bounded; its breaker is named ``memory:embeddings``."""

    def __init__(self, embedder: Embedder, breakers: "Breakers | None" = None) -> None:
        """A bounded ``embedder``; its breaker is named ``memory:embeddings``."""
        self.model = embedder.model
        self._embedder = embedder
        self._gate = Gate("memory:embeddings", breakers, EmbeddingFailed)

    async def dimension(self) -> int:
        return await self._gate.call(self._embedder.dimension, MORE_SECONDS, "dimension")

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        seconds = ONE_SECONDS if len(texts) == 1 else MORE_SECONDS
        return await self._gate.call(lambda: self._embedder.embed(texts), seconds, "embed")

    async def close(self) -> None:
        await self._embedder.close()
