"""Finding on every memory store, with vectors that a test can reckon with."""

from collections.abc import Sequence

import numpy as np
import pytest

from holdfast_activities.memory import Collection, MemoryStore, Vector
from holdfast_activities.memory.finding import terms
from holdfast_workflows.contracts.errors import EmbeddingFailed
from tests.activities.memory.conftest import Stores

_MEANINGS = (
    set(terms("dog puppy spaniel pet")),
    set(terms("move house flat home")),
    set(terms("job work nurse hire profession")),
    set(terms("cook meal dish recipe")),
)


class Meanings:
    """Texts on the same few subjects are near each other, all others at right angles: a stand-in for a model."""

    model = "meanings"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.down = False

    async def dimension(self) -> int:
        return len(_MEANINGS) + 1

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        if self.down:
            raise EmbeddingFailed
        self.asked.extend(texts)
        return [_vector(text) for text in texts]

    async def close(self) -> None:
        pass


def _vector(text: str) -> Vector:
    made = np.zeros(len(_MEANINGS) + 1, np.float32)
    for place, meaning in enumerate(_MEANINGS):
        made[place] = len(meaning & set(terms(text)))
    made[-1] = 0.0 if made.any() else 1.0
    return made / np.float32(np.linalg.norm(made))


@pytest.fixture
def embedder() -> Meanings:
    return Meanings()


@pytest.fixture
async def memories(stores: Stores, embedder: Meanings) -> MemoryStore:
    """An empty store, begun for these vectors."""
    store = await stores.open()
    await store.begin(Collection(embedder.model, await embedder.dimension()))
    return store
