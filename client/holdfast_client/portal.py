"""Run coroutines from synchronous code on an event loop in a background thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class Portal:
    """Runs coroutines in one background loop, from any thread."""

    def __init__(self) -> None:
        """Start the loop's thread; it ends with ``close`` or with the process."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="holdfast", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the coroutine's result; an exception in the caller, such as Ctrl-C, cancels it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, make: Callable[[], AsyncGenerator[T, None]]) -> Iterator[T]:
        """Yield the generator's values and close it when the iteration stops."""
        values = make()
        try:
            while True:
                try:
                    yield self.call(anext(values))
                except StopAsyncIteration:
                    return
        finally:
            self.call(values.aclose())

    def close(self) -> None:
        """Stop the loop and wait for its thread. Closing twice is harmless."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
