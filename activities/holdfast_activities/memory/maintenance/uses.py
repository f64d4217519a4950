"""Record which memories were recalled, in the background and in batches. Failures do not affect searches."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress

from holdfast_activities import clock
from holdfast_workflows.contracts.errors import HoldfastError

from ..base import MemoryStore

EVERY = 5.0  # seconds for which uses are collected; repeats within them count once

_log = logging.getLogger(__name__)


class Uses:
    """Recalls that are not written to the store yet."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._waiting: defaultdict[str, set[str]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def note(self, tenant: str, ids: Iterable[str]) -> None:
        """Schedule a write of these recalls."""
        self._waiting[tenant].update(ids)
        if self._task is None and not self._stopping.is_set():
            self._task = asyncio.create_task(self._later(), name="memory uses")

    async def write(self) -> None:
        """Write now; recalls that cannot be written are dropped."""
        waiting, self._waiting = self._waiting, defaultdict(set)
        try:
            for tenant, ids in waiting.items():
                if ids:
                    await self._store.touch(tenant, sorted(ids), clock.now())
        except HoldfastError as error:
            _log.info("recalled memories could not be recorded: %s", error)

    async def close(self) -> None:
        """Write pending recalls, then stop."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        await self.write()

    async def _later(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), EVERY)
        self._task = None
        await self.write()
