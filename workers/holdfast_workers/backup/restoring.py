"""Restoring and proving backups with the memories of the settings."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from holdfast_workers.settings import Settings

if TYPE_CHECKING:
    from holdfast_activities.memory.backup.restoring import MemoryRestore


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored backup: its database, its time, and what was restored of it."""

    database: str
    at: float
    rows: int
    memories: int


async def restore(settings: Settings, path: Path, only: Literal["all", "state", "memories"]) -> Restored:
    """Restore a backup with the settings of a worker.

    Raises:
        StateNotEmpty: The state database has content.
        MemoriesNotEmpty: The memory store has other memories.
        BackupMissing: The memories are wanted, and the backup has none.
        BackupDamaged: The file is damaged, or what was restored is not the backup's.
        EmbeddingMismatch: The memory store has vectors of another model than HOLDFAST_EMBEDDINGS.
    """
    from holdfast_activities.state.backup import restoring

    if only == "state":
        header, footer = await restoring.restore(path, settings.state())
        return Restored(header.database, header.at, footer.rows, 0)
    async with _memories(settings) as memories:
        if only == "memories":
            return await _memories_only(settings, path, memories)
        header, footer = await restoring.restore(path, settings.state(), memories)
    return Restored(header.database, header.at, footer.rows, footer.memory_rows)


async def _memories_only(settings: Settings, path: Path, memories: MemoryRestore) -> Restored:
    from holdfast_activities.memory.backup.erasures import erase_again
    from holdfast_activities.state import open_state
    from holdfast_activities.state.backup import restoring

    # Opened first: without the database nothing tells what was erased since.
    state = await open_state(settings.state(), migrate=False, cipher=settings.cipher())
    try:
        header, found = await restoring.restore_memories(path, memories)
        found -= await erase_again(memories.store, state, header.at)
    finally:
        await state.close()
    return Restored(header.database, header.at, 0, found)


@asynccontextmanager
async def _memories(settings: Settings) -> AsyncGenerator[MemoryRestore]:
    """What restores memories into the store of the settings, with their embedder."""
    from holdfast_activities.memory.backup.restoring import MemoryRestore
    from holdfast_activities.memory.embedders import choose_embedder
    from holdfast_activities.memory.opening import open_unguarded

    cipher = settings.cipher()
    embedder = choose_embedder(settings.embeddings, settings.home, settings.model_providers(), os.environ)
    store = await open_unguarded(settings.memory(), settings.home, settings.state(), cipher, create=True)
    assert store is not None
    try:
        words_only = settings.embeddings.strip() == "none"
        yield MemoryRestore(store, cipher, embedder, words_only=words_only)
    finally:
        await store.close()
        if embedder is not None:
            await embedder.close()
