"""The memory stores, each under a name; every one passes ``conformance``."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from holdfast_activities.memory import MemoryStore
from holdfast_activities.memory.embedded import open_embedded

from .conformance.records import COLLECTION


class Stores:
    """One place where memories are kept, which may be opened several times, as several processes do."""

    def __init__(self, make: Callable[[], Awaitable[MemoryStore]], operations: int) -> None:
        self._make = make
        self._opened: list[MemoryStore] = []
        self.operations = operations
        """Random operations that it does within half a minute."""

    async def open(self) -> MemoryStore:
        """Open it; it is closed after the test."""
        store = await self._make()
        self._opened.append(store)
        return store

    async def close(self) -> None:
        for store in self._opened:
            await store.close()


def _embedded(request: pytest.FixtureRequest) -> Stores:
    path: Path = request.getfixturevalue("tmp_path") / "memory.db"
    return Stores(lambda: open_embedded(path), operations=10_000)


STORES: dict[str, Callable[[pytest.FixtureRequest], Stores]] = {"embedded": _embedded}
"""By name; each makes an empty place for one test, or skips the test where it cannot."""


@pytest.fixture(params=STORES)
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    """An empty place, never begun."""
    made = STORES[request.param](request)
    yield made
    await made.close()


@pytest.fixture
async def store(stores: Stores) -> MemoryStore:
    """An empty store, begun for the vectors of ``records``."""
    store = await stores.open()
    await store.begin(COLLECTION)
    return store
