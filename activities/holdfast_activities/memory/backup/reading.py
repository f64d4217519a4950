"""All memories of a store, in pages."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

from holdfast_activities.state.backup.file import MemoryPart
from holdfast_activities.state.backup.memories import Rows
from holdfast_activities.state.encryption.cipher import Cipher
from holdfast_workflows.contracts.errors import MemoryFailed

from ..base import Collection, Filter, MemoryStore, Records
from .rows import to_row

PAGE: Final = 200


class StoredMemories:
    """The memories of a store, for a backup while workers use it.

    ``open_store`` returns None if there is no store.
    """

    def __init__(self, open_store: Callable[[], Awaitable[MemoryStore | None]], cipher: Cipher) -> None:
        self._open = open_store
        self._cipher = cipher
        self._part: MemoryPart | None = None

    async def pages(self) -> AsyncGenerator[Rows]:
        """Yield all memories as rows, with their vectors.

        Raises:
            MemoryFailed: They were embedded again at the same time, so vectors of two models would be mixed.
        """
        store = await self._open()
        if store is None:
            return
        try:
            part = await _part(store)
            async for tenant, page in stored_pages(store):
                yield await asyncio.to_thread(self._rows, tenant, page)
            if await _part(store) != part:
                raise MemoryFailed("the memories were embedded or indexed again during the backup")
        finally:
            await store.close()
        self._part = part

    def part(self) -> MemoryPart | None:
        """Return how they are kept, after the last page; None without a store."""
        return self._part

    def _rows(self, tenant: str, page: Records) -> Rows:
        return [to_row(tenant, each, self._cipher) for each in page]


async def _part(store: MemoryStore) -> MemoryPart:
    found = await store.collection() or Collection()
    return MemoryPart(store.name, found.model, found.dimension, await store.indexing())


async def stored_pages(store: MemoryStore) -> AsyncGenerator[tuple[str, Records]]:
    """Yield pages of all memories with their vectors, by tenant and id.

    Workers may write at the same time. A memory that was superseded on a later page by one that belongs on an earlier
    page is followed by that one: without it, its content would be missing in both.
    """
    for tenant in await store.tenants():
        seen, newer, after = set[str](), set[str](), ""
        while page := await store.list(tenant, Filter(superseded=True), after=after, limit=PAGE):
            ids = [each.id for each in page]
            found = await store.get(tenant, ids)
            seen.update(ids)
            newer.update(each.superseded_by for each in found if each.superseded_by)
            yield tenant, found
            after = ids[-1]
        while late := sorted(newer - seen)[:PAGE]:
            seen.update(late)
            found = await store.get(tenant, late)
            newer.update(each.superseded_by for each in found if each.superseded_by)
            if found:
                yield tenant, found
