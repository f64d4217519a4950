"""A memory store that opens at first use and runs every call through a gate."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from holdfast_workflows.contracts.errors import MemoryUnavailable

from ..base import Collection, Counts, Embed, Filter, MemoryStore, Names, Ranking, Record, Records, Vector
from .gate import Gate, Guard

T = TypeVar("T")

READ_SECONDS = 2.0
"""Deadline of a read; a caller is waiting."""

WRITE_SECONDS = 10.0
"""Deadline of a write, or of a read of all tenants."""

OPEN_SECONDS = 5.0
"""Added to the first call, which opens the store."""


class GuardedStore:
    """A ``MemoryStore`` that opens another at first use and bounds its calls."""

    def __init__(
        self, name: str, open_store: Callable[[], Awaitable[MemoryStore]], guard: Guard | None = None
    ) -> None:
        """Create the store without opening it. The breaker is named ``memory:`` and ``name``; no guard, no breaker."""
        self.name = name
        self._open_store = open_store
        self._gate = Gate(f"memory:{name}", guard, MemoryUnavailable)
        self._opening: asyncio.Task[MemoryStore] | None = None
        self._store: MemoryStore | None = None

    async def collection(self) -> Collection | None:
        return await self._read(lambda store: store.collection())

    async def begin(self, collection: Collection) -> None:
        await self._write(lambda store: store.begin(collection))

    async def put(self, tenant: str, records: Sequence[Record]) -> None:
        await self._write(lambda store: store.put(tenant, records))

    async def get(self, tenant: str, ids: Sequence[str]) -> Records:
        return await self._read(lambda store: store.get(tenant, ids))

    async def list(self, tenant: str, wanted: Filter, *, after: str = "", limit: int = 100) -> Records:
        return await self._read(lambda store: store.list(tenant, wanted, after=after, limit=limit))

    async def around(self, tenant: str, places: Sequence[tuple[str, int]], reach: int = 1) -> Records:
        return await self._read(lambda store: store.around(tenant, places, reach))

    async def by_words(self, tenant: str, terms: Sequence[str], wanted: Filter, limit: int) -> Ranking:
        return await self._read(lambda store: store.by_words(tenant, terms, wanted, limit))

    async def by_vector(self, tenant: str, vector: Vector, wanted: Filter, limit: int) -> Ranking:
        return await self._read(lambda store: store.by_vector(tenant, vector, wanted, limit))

    async def touch(self, tenant: str, ids: Sequence[str], now: float) -> None:
        await self._write(lambda store: store.touch(tenant, ids, now))

    async def reword(self, tenant: str, words: Mapping[str, str]) -> None:
        await self._write(lambda store: store.reword(tenant, words))

    async def indexing(self) -> int:
        return await self._read(lambda store: store.indexing())

    async def set_indexing(self, version: int) -> None:
        await self._write(lambda store: store.set_indexing(version))

    async def delete(self, tenant: str, ids: Sequence[str]) -> int:
        return await self._write(lambda store: store.delete(tenant, ids))

    async def erase(self, tenant: str, wanted: Filter | None = None) -> int:
        return await self._write(lambda store: store.erase(tenant, wanted))

    async def tenants(self) -> Names:
        return await self._write(lambda store: store.tenants())

    async def counts(self) -> Counts:
        return await self._write(lambda store: store.counts())

    async def migrate(self, collection: Collection, embed: Embed) -> int:
        """No deadline."""
        return await self._call(lambda store: store.migrate(collection, embed), None)

    async def optimise(self) -> int:
        """No deadline."""
        return await self._call(lambda store: store.optimise(), None)

    async def close(self) -> None:
        """Close it if it was opened."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening}, timeout=READ_SECONDS)
        if self._store is not None:
            store, self._store = self._store, None
            await asyncio.wait_for(store.close(), WRITE_SECONDS)

    async def _read(self, work: Callable[[MemoryStore], Awaitable[T]]) -> T:
        return await self._call(work, READ_SECONDS)

    async def _write(self, work: Callable[[MemoryStore], Awaitable[T]]) -> T:
        return await self._call(work, WRITE_SECONDS)

    async def _call(self, work: Callable[[MemoryStore], Awaitable[T]], seconds: float | None) -> T:
        if seconds is not None and self._store is None:
            seconds += OPEN_SECONDS

        async def opened() -> T:
            return await work(await self._opened())

        return await self._gate.call(opened, seconds)

    async def _opened(self) -> MemoryStore:
        if self._store is None:
            if self._opening is None:
                self._opening = asyncio.create_task(self._open(), name="open memory")
            # Shielded: after a caller's deadline, opening continues for the next caller.
            await asyncio.shield(self._opening)
        assert self._store is not None
        return self._store

    async def _open(self) -> MemoryStore:
        try:
            self._store = await self._open_store()
            return self._store
        finally:
            self._opening = None
