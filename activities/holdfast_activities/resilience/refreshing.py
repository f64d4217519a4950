"""A local copy of state that all workers share, refreshed while it is used.

Nothing here may delay or fail a model or tool call: a query times out after ``ANSWER_SECONDS``, none is
sent for ``PAUSE_SECONDS`` after a failure, and the copy is used as it is.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from holdfast_workflows.contracts.errors import HoldfastError, StateUnavailable

REFRESH_SECONDS = 0.5
"""Seconds between two refreshes, after which another worker's report is known here."""

IDLE_SECONDS = 10.0
"""Seconds without use after which refreshing stops. Longer than a rate lease lasts, so that an idle
worker still returns the rest of its lease."""

ANSWER_SECONDS = 2.0
"""Seconds to wait for the database before it counts as down."""

PAUSE_SECONDS = 1.0
"""Seconds without queries after the database was down."""

_log = logging.getLogger(__name__)
T = TypeVar("T")


class BoundedCalls:
    """Database calls with a short timeout and a pause after a failure."""

    def __init__(self) -> None:
        self._down_until = 0.0
        self._calls: set[asyncio.Future[Any]] = set()

    async def call(self, query: Callable[[], Awaitable[T]]) -> T:
        """Call the database; StateUnavailable after ``ANSWER_SECONDS``.

        The call continues if the caller is cancelled or times out, so that a report arrives and no
        connection is left within a transaction.
        """
        loop = asyncio.get_running_loop()
        if loop.time() < self._down_until:
            raise StateUnavailable("it did not answer a moment ago; not retried yet")
        call = asyncio.ensure_future(query())
        self._calls.add(call)
        call.add_done_callback(self._forget)
        done, _ = await asyncio.wait({call}, timeout=ANSWER_SECONDS)
        if done and call.exception() is None:
            return call.result()
        error = call.exception() if done else StateUnavailable(f"no answer within {ANSWER_SECONDS:g} s")
        assert error is not None
        if isinstance(error, StateUnavailable):
            self._down_until = loop.time() + PAUSE_SECONDS
        _log.warning("working from local knowledge: %s", error)
        raise error

    async def close(self) -> None:
        """Wait for calls in flight, up to ``ANSWER_SECONDS``."""
        if self._calls:
            await asyncio.wait(self._calls, timeout=ANSWER_SECONDS)

    def _forget(self, call: "asyncio.Future[Any]") -> None:
        self._calls.discard(call)
        if not call.cancelled():
            call.exception()  # retrieved, or asyncio logs that it never was


class Refresher:
    """Reload the copy every half second while it is used."""

    def __init__(self, load: Callable[[], Awaitable[None]]) -> None:
        self._load = load
        self._used = 0.0
        self._running: asyncio.Task[None] | None = None
        self._loaded = asyncio.Event()

    def touch(self) -> None:
        self._used = asyncio.get_running_loop().time()
        if self._running is None:
            self._loaded = asyncio.Event()
            self._running = asyncio.create_task(self._run(), name="resilience")

    async def fresh(self) -> None:
        """Return once the copy is fresh, which takes a query only after a time without use."""
        self.touch()
        if not self._loaded.is_set():
            await self._loaded.wait()

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    async def _run(self) -> None:
        loop, loaded = asyncio.get_running_loop(), self._loaded
        try:
            while loop.time() - self._used < IDLE_SECONDS:
                # On failure the copy stays as it is until the next refresh.
                with suppress(HoldfastError):
                    await self._load()
                loaded.set()
                await asyncio.sleep(REFRESH_SECONDS)
        finally:
            loaded.set()
            self._running = None
