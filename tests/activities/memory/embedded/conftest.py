"""A file for memories, and stores on it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from holdfast_activities.memory.embedded import EmbeddedStore, open_embedded

from ..conformance.records import COLLECTION

Open = Callable[..., Awaitable[EmbeddedStore]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "memory 100%.db"


@pytest.fixture
async def open_store(path: Path) -> AsyncIterator[Open]:
    """Opens the file, begun for the usual vectors unless told otherwise; options are those of ``open_embedded``."""
    opened: list[EmbeddedStore] = []

    async def open_(*, begin: bool = True, **options: float) -> EmbeddedStore:
        store = await open_embedded(
            path,
            cache_bytes=int(options.get("cache_bytes", 2**20)),
            busy_seconds=options.get("busy_seconds", 15.0),
        )
        opened.append(store)
        if begin:
            await store.begin(COLLECTION)
        return store

    yield open_
    for store in opened:
        await store.close()
