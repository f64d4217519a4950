"""Update the words of all memories to the current version of the terms."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from holdfast_workflows.contracts.errors import HoldfastError

from ..base import Filter, MemoryStore
from ..finding import VERSION, new_words

PAGE = 200
WAIT_SECONDS = 1.5
"""How long the first search waits. Large stores serve the old words until reindexing is done."""

Lock = Callable[[str], AbstractAsyncContextManager[None]]

_log = logging.getLogger(__name__)


class Reindexing:
    """Reindexes a store in the background if an earlier version filled it.

    Several processes may do so at once. The version is stored at the end; after an interruption the next process
    starts over.
    """

    def __init__(self, store: MemoryStore, lock: Lock) -> None:
        """``lock`` serialises changes of a tenant within this process."""
        self._store = store
        self._lock = lock
        self._task: asyncio.Task[None] | None = None

    async def begin(self, *, new: bool) -> None:
        """Start if needed. ``new``: the store is empty."""
        if new:
            await self._store.set_indexing(VERSION)
        elif await self._store.indexing() < VERSION:
            self._task = asyncio.create_task(self._run_logged(), name="index memories again")
            await asyncio.wait({self._task}, timeout=WAIT_SECONDS)

    async def finish(self) -> None:
        """Reindex now if needed.

        Raises:
            MemoryUnavailable: The store does not answer.
        """
        if await self._store.indexing() < VERSION:
            await self._run()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run_logged(self) -> None:
        try:
            await self._run()
        except HoldfastError as error:
            _log.warning("reindexing memories failed; maintenance will retry: %s", error)

    async def _run(self) -> None:
        for tenant in await self._store.tenants():
            after: str | None = ""
            while after is not None:
                async with self._lock(tenant):
                    after = await self._page(tenant, after)
        await self._store.set_indexing(VERSION)

    async def _page(self, tenant: str, after: str) -> str | None:
        """Reindex one page; return the last id, or None after the last page."""
        page = await self._store.list(tenant, Filter(superseded=True), after=after, limit=PAGE)
        words = await new_words(self._store, tenant, page)
        if words:
            await self._store.reword(tenant, words)
        return page[-1].id if len(page) == PAGE else None
