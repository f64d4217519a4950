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

EVERY = 5.0
"""Mean seconds between polls; jittered, so that workers do not poll at once."""

_JITTER = (0.8, 1.2)

_CLOCKS = 60.0
"""Bound on the clock difference of two workers and the delay until an erasure is visible."""

_log = logging.getLogger(__name__)


class Drainer:
    """Polls the outbox and the erased sessions until it is closed."""

    def __init__(
        self,
        applying: Applying,
        outbox: OutboxQueue,
        erasing: Eraser,
        forget: Callable[[str], None],
        *,
        every: float = EVERY,
    ) -> None:
        """Create a stopped drainer; ``forget`` drops a session from this worker's caches, ``every`` is in seconds."""
        self._applying = applying
        self._outbox = outbox
        self._erasing = erasing
        self._forget = forget
        self._every = every
        self._asked = asyncio.Event()
        self._since = clock.now() - _CLOCKS
        self._away = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="holdfast-drainer")

    def ask(self) -> None:
        """Poll now."""
        self._asked.set()

    async def close(self) -> None:
        """Stop. An interrupted change is applied by another worker or at the next start."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run for the duration of the block."""
        self.start()
        try:
            yield
        finally:
            await self.close()

    async def _run(self) -> None:
        while True:
            self._asked.clear()
            try:
                await self.look()
            except HoldfastError as error:
                _log.warning("memories: %s", error)
            except Exception:  # noqa: BLE001 - the next poll may succeed
                # The task must not end silently, or pending changes would never be applied.
                _log.exception("memories: polling the outbox failed")
            try:
                async with asyncio.timeout(self._every * random.uniform(*_JITTER)):
                    await self._asked.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
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
            if not self._away:
                _log.warning("%d memory changes are pending: %s", waiting, error)
            self._away = True
        else:
            if self._away and done:
                _log.info("the memory store is back: %d changes applied", done)
            self._away = False
