"""Memories for tests: the embedded store on a fresh file, found by words, or by a test embedder as well."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import numpy as np

from holdfast_activities.memory import Change, FactDraft, Memories, TurnDraft, Vector
from holdfast_activities.memory.base import Embedder
from holdfast_activities.memory.embedded import open_embedded
from holdfast_workflows.contracts.agent.memory import MemoryQuery, MemoryView
from holdfast_workflows.contracts.errors import EmbeddingFailed

USER = "user:42"
DAY = 86_400.0
START = 1_700_000_000.0


class Axes:
    """An embedder of a few known sentences: each has a direction, and what is unknown has one of its own."""

    def __init__(self, model: str = "axes", length: int = 16, *, near: Sequence[Sequence[str]] = ()) -> None:
        """``near`` are sets of texts whose vectors are the same."""
        self.model = model
        self.asked: list[str] = []
        self.down = False
        self._length = length
        self._alias = {text: texts[0] for texts in near for text in texts}
        self._places: dict[str, int] = {}

    async def dimension(self) -> int:
        return self._length

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        if self.down:
            raise EmbeddingFailed("switched off")
        self.asked += texts
        made: list[Vector] = []
        for text in texts:
            place = self._places.setdefault(self._alias.get(text, text), len(self._places) % self._length)
            made.append(np.eye(self._length, dtype=np.float32)[place])
        return made

    async def close(self) -> None:
        """Nothing to let go of."""


@asynccontextmanager
async def memories_at(path: Path, embedder: Embedder | None = None) -> AsyncGenerator[Memories]:
    """Memories in the file ``memory.db`` of a folder."""
    memories = Memories(await open_embedded(path / "memory.db", synchronous="NORMAL"), embedder)
    try:
        yield memories
    finally:
        await memories.close()


def said(number: int, text: str, *, session: str = "s1", scope: str = USER, at: float = 0.0) -> TurnDraft:
    """A turn of a session, a minute after the one before."""
    return TurnDraft(
        id=f"{session}:{number}",
        scope=scope,
        text=text,
        at=at or START + 60 * number,
        speaker="Ann",
        session=session,
        place=number,
    )


def change(
    *,
    turns: Sequence[TurnDraft] = (),
    facts: Sequence[FactDraft] = (),
    forget: Sequence[str] = (),
    tenant: str = "",
) -> Change:
    """A change under an id of its own."""
    return Change(id=uuid4().hex, tenant=tenant, turns=tuple(turns), facts=tuple(facts), forget=tuple(forget))


def fact(id: str, text: str, *, at: float = START, scope: str = USER, **given: object) -> FactDraft:
    """A fact."""
    return FactDraft.model_validate({"id": id, "text": text, "at": at, "scope": scope, **given})


async def stored(memories: Memories, tenant: str = "", *, superseded: bool = False) -> dict[str, MemoryView]:
    """What is there, by id."""
    page = await memories.list(MemoryQuery(tenant=tenant, superseded=superseded, limit=500))
    return {each.id: each for each in page.memories}
