"""Background work of a worker: apply pending changes, drop erased sessions from its caches."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from holdfast_activities import clock
from holdfast_activities.state.content.erasing import Eraser
from holdfast_activities.state.coordination.outbox import OutboxQueue
from holdfast_workflows.contracts.errors import HoldfastError, MemoryUnavailable

from .applying import Applying

EVERY = 5.0  # mean seconds between polls; jittered, so that workers do not poll at once

_JITTER = (0.8, 1.2)

_CLOCKS = 60.0  # bound on the clock difference of two workers and the delay until an erasure is visible

_log = logging.getLogger(__name__)


class Drainer:
    """Polls the outbox and the erased sessions."""

    def __init__(
        self,
        applying: Applying,
        outbox: OutboxQueue,
        erasing: Eraser,
        forget: Callable[[str], None],
        *,
        every: float = EVERY,
    ) -> None:
        """``forget`` drops a session from this worker's caches; ``every`` is in seconds."""
        self._applying = applying
        self._outbox = outbox
        self._erasing = erasing
        self._forget = forget
        self._every = every
        self._since = clock.now() - _CLOCKS
        self._store_is_down = False

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Poll for the duration of the block. An interrupted change is applied later or by another worker."""
        task = asyncio.create_task(self._run(), name="holdfast-drainer")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        while True:
            try:
                await self.poll()
            except HoldfastError as error:
                _log.warning("memories: %s", error)
            except Exception:  # noqa: BLE001 - the next poll may succeed
                # The task must not end silently, or pending changes would never be applied.
                _log.exception("memories: polling the outbox failed")
            await asyncio.sleep(self._every * random.uniform(*_JITTER))

    async def poll(self) -> None:
        """Drop erased sessions and apply pending changes."""
        now = clock.now()
        for session in await self._erasing.since(self._since):
            self._forget(session)
        self._since = now - _CLOCKS
        # Checked first: a claim is a write, and usually nothing is pending.
        waiting = await self._outbox.waiting()
        if not waiting:
            return
        try:
            done = await self._applying.drain()
        except MemoryUnavailable as error:
            if not self._store_is_down:
                _log.warning("%d memory changes are pending: %s", waiting, error)
            self._store_is_down = True
        else:
            if self._store_is_down and done:
                _log.info("the memory store is back: %d changes applied", done)
            self._store_is_down = False
