"""Every memory store, with a deterministic embedder."""

from collections.abc import Sequence

import numpy as np
import pytest

from holdfast_activities.memory import Collection, MemoryStore, Vector
from holdfast_activities.memory.finding import terms
from holdfast_workflows.contracts.errors import EmbeddingFailed
from tests.activities.memory.conftest import Stores

_SUBJECTS = (
    set(terms("dog puppy spaniel pet")),
    set(terms("move house flat home")),
    set(terms("job work nurse hire profession")),
    set(terms("cook meal dish recipe")),
)


class SubjectEmbedder:
    """A fake embedder: texts on the same subject are close, all others orthogonal."""

    model = "subjects"

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.down = False

    async def dimension(self) -> int:
        return len(_SUBJECTS) + 1

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        if self.down:
            raise EmbeddingFailed
        self.texts.extend(texts)
        return [_vector(text) for text in texts]

    async def close(self) -> None:
        pass


def _vector(text: str) -> Vector:
    made = np.zeros(len(_SUBJECTS) + 1, np.float32)
    for place, subject in enumerate(_SUBJECTS):
        made[place] = len(subject & set(terms(text)))
    made[-1] = 0.0 if made.any() else 1.0
    return made / np.float32(np.linalg.norm(made))


@pytest.fixture
def embedder() -> SubjectEmbedder:
    return SubjectEmbedder()


@pytest.fixture
async def memories(stores: Stores, embedder: SubjectEmbedder) -> MemoryStore:
    """An empty store, initialised for these vectors."""
    store = await stores.open()
    await store.begin(Collection(embedder.model, await embedder.dimension()))
    return store
