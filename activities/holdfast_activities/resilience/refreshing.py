"""A local copy of what the database holds for all workers, kept fresh while it is used.

Nothing here may make a call wait for long or fail it: a database that does not answer is
given up after ``PATIENCE``, left alone for ``PAUSE``, and the copy is used as it is.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from holdfast_workflows.contracts.errors import HoldfastError, StateUnavailable

EVERY = 0.5
"""Seconds between two readings; what another worker reported is known here after that."""

IDLE = 10.0
"""Seconds without use after which reading stops. Longer than a lease of a rate is held, so that
what a worker that falls idle has left of it is given back."""

PATIENCE = 2.0
"""Seconds the database may take for an answer before it counts as down."""

PAUSE = 1.0
"""Seconds a database that is down is left alone."""

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Reach:
    """Asks the database, for no longer than is bearable."""

    def __init__(self) -> None:
        self._down_until = 0.0
        self._asking: set[asyncio.Future[Any]] = set()

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """The answer.

        What was asked goes on when the caller is cancelled or has waited long enough: a report
        that has begun arrives, and no connection is left in the middle of a transaction.

        Raises:
            HoldfastError: There is none; StateUnavailable if none came in time.
        """
        loop = asyncio.get_running_loop()
        if loop.time() < self._down_until:
            raise StateUnavailable("it did not answer a moment ago")
        asking = asyncio.ensure_future(question())
        self._asking.add(asking)
        asking.add_done_callback(self._forget)
        done, _ = await asyncio.wait({asking}, timeout=PATIENCE)
        if done and asking.exception() is None:
            return asking.result()
        error = asking.exception() if done else StateUnavailable(f"no answer within {PATIENCE:g} s")
        assert error is not None
        if isinstance(error, StateUnavailable):
            self._down_until = loop.time() + PAUSE
        _log.warning("working from local knowledge: %s", error)
        raise error

    async def close(self) -> None:
        """Wait for what is still asked, as long as for any answer."""
        if self._asking:
            await asyncio.wait(self._asking, timeout=PATIENCE)

    def _forget(self, asked: "asyncio.Future[Any]") -> None:
        self._asking.discard(asked)
        if not asked.cancelled():
            asked.exception()  # looked at, so that nobody is told that it was not


class Refresher:
    """Reads the copy anew every half second while it is used, and not at all when it is not."""

    def __init__(self, load: Callable[[], Awaitable[None]]) -> None:
        self._load = load
        self._used = 0.0
        self._running: asyncio.Task[None] | None = None
        self._loaded = asyncio.Event()

    def touch(self) -> None:
        """Say that the copy is used."""
        self._used = asyncio.get_running_loop().time()
        if self._running is None:
            self._loaded = asyncio.Event()
            self._running = asyncio.create_task(self._run(), name="resilience")

    async def fresh(self) -> None:
        """Return once the copy is known to be fresh: at once, but after a time without use."""
        self.touch()
        if not self._loaded.is_set():
            await self._loaded.wait()

    async def close(self) -> None:
        """Stop reading."""
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    async def _run(self) -> None:
        loop, loaded = asyncio.get_running_loop(), self._loaded
        try:
            while loop.time() - self._used < IDLE:
                # Without an answer the copy stays as it is; the next reading may have one.
                with suppress(HoldfastError):
                    await self._load()
                loaded.set()
                await asyncio.sleep(EVERY)
        finally:
            loaded.set()
            self._running = None
