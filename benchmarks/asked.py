"""Embeddings and searches that are done once, since many rows of a benchmark need the same."""

from collections.abc import Sequence

from holdfast_activities.memory.base import Embedder, Filter, MemoryStore, Record, Scored, Vector


class Remembered:
    """An embedder that embeds a text once, since many are the same and every row asks the same questions."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors: dict[str, Vector] = {}
        self.model = embedder.model

    async def dimension(self) -> int:
        return await self._embedder.dimension()

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        # In order of length, so that a batch is not padded to its longest text.
        new = sorted(set(texts) - self._vectors.keys(), key=lambda text: (len(text), text))
        self._vectors.update(zip(new, await self._embedder.embed(new), strict=True))
        return [self._vectors[text] for text in texts]

    async def close(self) -> None:
        await self._embedder.close()


class Asked:
    """A store's searches, each done once, since many rows need the same candidates."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._found: dict[tuple[object, ...], list[Scored]] = {}
        self._near: dict[tuple[object, ...], list[Record]] = {}

    async def by_words(self, tenant: str, terms: Sequence[str], wanted: Filter, limit: int) -> list[Scored]:
        key = (tenant, *terms)
        if key not in self._found:
            self._found[key] = await self._store.by_words(tenant, terms, wanted, limit)
        return self._found[key]

    async def by_vector(self, tenant: str, vector: Vector, wanted: Filter, limit: int) -> list[Scored]:
        key = (tenant, limit, vector.tobytes())
        if key not in self._found:
            self._found[key] = await self._store.by_vector(tenant, vector, wanted, limit)
        return self._found[key]

    async def around(self, tenant: str, places: Sequence[tuple[str, int]], reach: int = 1) -> list[Record]:
        key = (tenant, reach, *places)
        if key not in self._near:
            self._near[key] = await self._store.around(tenant, places, reach)
        return self._near[key]
