"""A dedicated thread for a database connection.

Coroutines submit jobs; the thread serves all waiting jobs as one batch, so the cost of each falls with
the number of callers. Results are returned to each event loop in one call.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from holdfast_workflows.contracts.errors import StateUnavailable

J = TypeVar("J")
R = TypeVar("R")

_Outcome = tuple["asyncio.Future[Any]", Any, Exception | None]


class ConnectionThread(Generic[J, R]):
    """Serve jobs on one thread in order of arrival."""

    def __init__(self, name: str, serve: Callable[[list[J]], list[R]], stop: Callable[[], None]) -> None:
        """Start the thread. It calls ``serve`` with all waiting jobs, and ``stop`` at the end.

        ``serve`` returns the results in the order of the jobs; an exception fails all of them.
        """
        self._serve = serve
        self._stop = stop
        self._waiting: list[tuple[J, asyncio.Future[R]]] = []
        self._closed = False
        self._change = threading.Condition()
        # A daemon thread does not keep an unclosed process alive; acknowledged writes are on disk.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def do(self, job: J) -> R:
        """Serve a job; raise StateUnavailable if the database failed or the thread is closed."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        with self._change:
            if self._closed:
                raise StateUnavailable("the state database was closed by this process")
            self._waiting.append((job, future))
            self._change.notify()
        return await future

    async def close(self) -> None:
        """Serve waiting jobs, then end the thread."""
        with self._change:
            self._closed = True
            self._change.notify()
        await asyncio.to_thread(self._thread.join)

    def _take(self) -> list[tuple[J, "asyncio.Future[R]"]]:
        """All waiting jobs; empty when the thread is closed and done."""
        with self._change:
            while not self._waiting and not self._closed:
                self._change.wait()
            taken, self._waiting = self._waiting, []
            return taken

    def _run(self) -> None:
        while taken := self._take():
            futures = [future for _, future in taken]
            try:
                results = self._serve([job for job, _ in taken])
            except Exception as error:  # noqa: BLE001 - raised in the callers; the thread must survive
                _hand_back([(future, None, error) for future in futures])
            else:
                _hand_back([(future, result, None) for future, result in zip(futures, results, strict=True)])
        self._stop()


def _hand_back(outcomes: list[_Outcome]) -> None:
    """Resolve futures in their own event loops."""
    loops: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
    for outcome in outcomes:
        loops.setdefault(outcome[0].get_loop(), []).append(outcome)
    for loop, own in loops.items():
        try:
            loop.call_soon_threadsafe(_resolve, own)
        except RuntimeError:
            # The loop was closed, so no coroutine waits in it.
            continue


def _resolve(outcomes: list[_Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            # One error for each caller: a shared one would collect all their tracebacks.
            failure = (
                type(error)(error.detail)
                if isinstance(error, StateUnavailable)
                else StateUnavailable(f"{type(error).__name__}: {error}")
            )
            failure.__cause__ = error
            future.set_exception(failure)
