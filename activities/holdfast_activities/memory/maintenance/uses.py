"""Noting which memories were recalled: in the background, many at once, and no search fails by it."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable

from holdfast_activities import clock
from holdfast_workflows.contracts.errors import HoldfastError

from ..base import MemoryStore

EVERY = 5.0
"""Seconds for which uses are gathered; twice within them counts once."""

_log = logging.getLogger(__name__)


class Uses:
    """What was recalled and is not noted in the store yet."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._waiting: defaultdict[str, set[str]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def note(self, tenant: str, ids: Iterable[str]) -> None:
        """Have the store told soon that these were recalled."""
        self._waiting[tenant].update(ids)
        if self._task is None and not self._stopping.is_set():
            self._task = asyncio.create_task(self._later(), name="memory uses")

    async def write(self) -> None:
        """Tell the store now; what it does not take is let go."""
        waiting, self._waiting = self._waiting, defaultdict(set)
        try:
            for tenant, ids in waiting.items():
                if ids:
                    await self._store.touch(tenant, sorted(ids), clock.now())
        except HoldfastError as error:
            _log.info("which memories were recalled is not noted: %s", error)

    async def close(self) -> None:
        """Write what waits, and stop."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        await self.write()

    async def _later(self) -> None:
        try:
            async with asyncio.timeout(EVERY):
                await self._stopping.wait()
        except TimeoutError:
            pass
        self._task = None
        await self.write()
