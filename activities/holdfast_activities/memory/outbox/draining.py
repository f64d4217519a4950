"""What a worker does for memories in the background: it applies what waits, and drops what was erased."""

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
"""Seconds between looks, more or less: workers that were started together do not ask together."""

_JITTER = (0.8, 1.2)

_CLOCKS = 60.0
"""Seconds by which the clocks of two workers may differ, and an erasure may take to be seen."""

_log = logging.getLogger(__name__)


class Drainer:
    """Looks into the outbox, and for erased sessions, until it is closed."""

    def __init__(
        self,
        applying: Applying,
        outbox: OutboxQueue,
        erasing: Eraser,
        forget: Callable[[str], None],
        *,
        every: float = EVERY,
    ) -> None:
        """A drainer that does not run yet.

        Args:
            applying: Applies changes.
            outbox: Says whether any wait.
            erasing: Says which sessions were erased.
            forget: Drops what this worker holds of a session.
            every: Seconds between looks.
        """
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
        """Begin, in a task of its own."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="holdfast-drainer")

    def ask(self) -> None:
        """Look now."""
        self._asked.set()

    async def close(self) -> None:
        """Stop. What was being applied is applied by another worker, or the next time."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Started, and closed at the end of the block."""
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
            except Exception:  # noqa: BLE001 - the look after it may go well
                # It must not end unseen: what waits would then wait for ever.
                _log.exception("memories: a look into the outbox failed")
            try:
                async with asyncio.timeout(self._every * random.uniform(*_JITTER)):
                    await self._asked.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Drop what was erased, and apply what waits."""
        now = clock.now()
        for session in await self._erasing.since(self._since):
            self._forget(session)
        self._since = now - _CLOCKS
        # Asked first: a claim is a write, and most of the time nothing waits.
        waiting = await self._outbox.waiting()
        if not waiting:
            return
        try:
            done = await self._applying.drain()
        except MemoryUnavailable as error:
            if not self._away:
                _log.warning("%d changes of memories wait: %s", waiting, error)
            self._away = True
        else:
            if self._away and done:
                _log.info("the memory store is back: %d changes applied", done)
            self._away = False
