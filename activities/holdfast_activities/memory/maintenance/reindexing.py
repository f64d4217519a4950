"""Bringing the words of all memories to the version of the terms that queries are made of."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from holdfast_workflows.contracts.errors import HoldfastError

from ..base import Filter, MemoryStore
from ..finding import VERSION, words_anew

PAGE = 200
WAIT_SECONDS = 1.5
"""How long the first search waits. A small store is done by then; a large one answers meanwhile from what is there."""

Lock = Callable[[str], AbstractAsyncContextManager[None]]

_log = logging.getLogger(__name__)


class Reindexing:
    """Indexes a store again in the background where an earlier version filled it.

    Any number of processes may do so at once, and one that stops amid it leaves nothing to mend: the
    version is noted at the end, and the next process begins again.
    """

    def __init__(self, store: MemoryStore, lock: Lock) -> None:
        """For a store; ``lock`` keeps others of this process from a tenant's records."""
        self._store = store
        self._lock = lock
        self._task: asyncio.Task[None] | None = None

    async def begin(self, *, new: bool) -> None:
        """Begin, unless nothing is to be done. ``new`` says that the store is empty."""
        if new:
            await self._store.set_indexing(VERSION)
        elif await self._store.indexing() < VERSION:
            self._task = asyncio.create_task(self._run_logged(), name="index memories again")
            await asyncio.wait({self._task}, timeout=WAIT_SECONDS)

    async def finish(self) -> None:
        """Do it now, if it was not done.

        Raises:
            MemoryUnavailable: The store does not answer.
        """
        if await self._store.indexing() < VERSION:
            await self._run()

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run_logged(self) -> None:
        try:
            await self._run()
        except HoldfastError as error:
            _log.warning(
                "not all memories are indexed in the new way yet; maintenance tries again: %s", error
            )

    async def _run(self) -> None:
        for tenant in await self._store.tenants():
            after: str | None = ""
            while after is not None:
                async with self._lock(tenant):
                    after = await self._page(tenant, after)
        await self._store.set_indexing(VERSION)

    async def _page(self, tenant: str, after: str) -> str | None:
        """Index some records; the last one's id, or None where there are no more."""
        page = await self._store.list(tenant, Filter(superseded=True), after=after, limit=PAGE)
        words = await words_anew(self._store, tenant, page)
        if words:
            await self._store.reword(tenant, words)
        return page[-1].id if len(page) == PAGE else None
