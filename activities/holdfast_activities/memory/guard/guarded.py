"""A memory store that opens at first use and runs every call through a gate."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from holdfast_workflows.contracts.errors import MemoryUnavailable

from ..base import MemoryStore
from .gate import Gate

if TYPE_CHECKING:
    from holdfast_activities.resilience import Breakers

READ_SECONDS = 2.0  # deadline of a read; a caller is waiting
WRITE_SECONDS = 10.0  # deadline of a write, or of a read of all tenants
OPEN_SECONDS = 5.0  # added to the first call, which opens the store

_READS = {"collection", "get", "list", "around", "by_words", "by_vector", "indexing"}
_WITHOUT_DEADLINE = {"migrate", "optimise"}


def guarded_store(
    name: str, open_store: Callable[[], Awaitable[MemoryStore]], breakers: "Breakers | None" = None
) -> MemoryStore:
    """Return a store that opens another at first use and bounds its calls.

    Its breaker is ``memory:`` with ``name``. Without ``breakers`` it has deadlines only.
    """
    return cast("MemoryStore", _GuardedStore(name, open_store, breakers))


class _GuardedStore:
    """Passes every method of ``MemoryStore`` on, except ``name`` and ``close``."""

    def __init__(
        self, name: str, open_store: Callable[[], Awaitable[MemoryStore]], breakers: "Breakers | None"
    ) -> None:
        self.name = name
        self._open_store = open_store
        self._gate = Gate(f"memory:{name}", breakers, MemoryUnavailable)
        self._opening: asyncio.Task[None] | None = None
        self._store: MemoryStore | None = None

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **options: Any) -> Any:
            async def opened() -> Any:
                return await getattr(await self._opened(), method)(*args, **options)

            if method in _WITHOUT_DEADLINE:
                return await self._gate.call(opened, None, method)
            seconds = READ_SECONDS if method in _READS else WRITE_SECONDS
            within = seconds if self._store else seconds + OPEN_SECONDS
            return await self._gate.call(opened, within, method)

        return call

    async def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening}, timeout=READ_SECONDS)
        if self._store is not None:
            store, self._store = self._store, None
            await asyncio.wait_for(store.close(), WRITE_SECONDS)

    async def _opened(self) -> MemoryStore:
        if self._store is None:
            if self._opening is None:
                self._opening = asyncio.create_task(self._open(), name="open memory")
            # Shielded: after a caller's deadline, opening continues for the next caller.
            await asyncio.shield(self._opening)
        assert self._store is not None
        return self._store

    async def _open(self) -> None:
        try:
            self._store = await self._open_store()
        finally:
            self._opening = None
