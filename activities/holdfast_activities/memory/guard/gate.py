"""A deadline and a circuit breaker for every call of a memory store or embedding server.

Database clients retry for longer than a turn may wait, so the deadline is enforced outside them: a late call is
cancelled and not awaited.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from holdfast_workflows.contracts.errors import BreakerOpen, EmbeddingFailed, HoldfastError, MemoryUnavailable

if TYPE_CHECKING:
    from holdfast_activities.resilience import Breakers

T = TypeVar("T")


class Gate:
    """Runs every call of one dependency within a deadline and a breaker."""

    def __init__(
        self, name: str, breakers: "Breakers | None", failure: type[MemoryUnavailable | EmbeddingFailed]
    ) -> None:
        """Create a gate.

        Args:
            name: Name of the breaker, such as ``memory:embedded``.
            breakers: None for deadlines only.
            failure: The error that counts as a failure; raised by the dependency and by the gate.
        """
        self._name = name
        self._breakers = breakers
        self._failure = failure
        self._late: set[asyncio.Future[Any]] = set()

    async def call(
        self, work: Callable[[], Awaitable[T]], seconds: float | None, operation: str = "call"
    ) -> T:
        """Run a call, and record it in the metrics. ``seconds`` is its deadline; None for no deadline.

        Raises:
            HoldfastError: ``failure``, if the breaker is open (with ``retry_after``) or the deadline has passed.
                Other errors of the call pass through and do not count.
        """
        if self._breakers is None:
            return await self._within(work, seconds)
        began, outcome, metrics = time.monotonic(), "cancelled", self._breakers.metrics
        try:
            result = await self._admitted(self._breakers, work, seconds)
            outcome = "ok"
        except HoldfastError as error:
            outcome = error.code
            metrics.count("holdfast_errors_total", source="memory", kind=error.kind, code=error.code)
            raise
        finally:
            metrics.count("holdfast_memory_operations_total", operation=operation, outcome=outcome)
            taken = time.monotonic() - began
            metrics.observe("holdfast_memory_operation_seconds", taken, operation=operation)
        return result

    async def _admitted(
        self, breakers: "Breakers", work: Callable[[], Awaitable[T]], seconds: float | None
    ) -> T:
        try:
            admission = await breakers.admit(self._name)
        except BreakerOpen as error:
            raise self._failure(error.detail, retry_after=error.retry_after) from None
        try:
            result = await self._within(work, seconds)
        except self._failure as error:
            # A permanent failure concerns one text, so it does not count; a rejected key concerns all of them.
            if error.retryable or (isinstance(error, EmbeddingFailed) and error.account):
                await breakers.failed(admission, error.detail)
            else:
                await breakers.succeeded(admission)
            raise
        except BaseException:
            # Cancelled or rejected as invalid: no evidence about the dependency.
            await breakers.abandoned(admission)
            raise
        await breakers.succeeded(admission)
        return result

    async def _within(self, work: Callable[[], Awaitable[T]], seconds: float | None) -> T:
        task = asyncio.ensure_future(work())
        try:
            done, _ = await asyncio.wait({task}, timeout=seconds)
        finally:
            if not task.done():
                # Not awaited: a hanging call may also hang in its cancellation.
                task.cancel()
                self._late.add(task)
                task.add_done_callback(self._forget)
        if not done:
            raise self._failure(f"{self._name}: no answer within {seconds:g} s")
        return task.result()

    def _forget(self, late: "asyncio.Future[Any]") -> None:
        self._late.discard(late)
        if not late.cancelled():
            late.exception()  # retrieved, or asyncio logs it as never retrieved
