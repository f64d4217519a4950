"""A deadline and a circuit breaker for every call of a memory store or embedding server.

Database clients retry for longer than a turn may wait, so the deadline is enforced outside them: a late call is
cancelled and not awaited.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from holdfast_workflows.contracts.errors import BreakerOpen, EmbeddingFailed, MemoryUnavailable

if TYPE_CHECKING:
    from holdfast_activities.resilience import Admission

T = TypeVar("T")


class Guard(Protocol):
    """The interface of the worker's ``Breakers``."""

    async def admit(self, name: str) -> "Admission": ...

    async def succeeded(self, admission: "Admission") -> None: ...

    async def failed(self, admission: "Admission", reason: str = "") -> None: ...

    async def abandoned(self, admission: "Admission") -> None: ...


class Gate:
    """Runs every call of one dependency within a deadline and a breaker."""

    def __init__(
        self, name: str, guard: Guard | None, failure: type[MemoryUnavailable] | type[EmbeddingFailed]
    ) -> None:
        """Create a gate.

        Args:
            name: Name of the breaker, such as ``memory:embedded``.
            guard: The breakers; None for deadlines only.
            failure: The error that counts as a failure; raised by the dependency and by the gate.
        """
        self._name = name
        self._guard = guard
        self._failure = failure
        self._late: set[asyncio.Future[Any]] = set()

    async def call(self, work: Callable[[], Awaitable[T]], seconds: float | None) -> T:
        """Run a call. ``seconds`` is its deadline; None for no deadline.

        Raises:
            HoldfastError: ``failure``, if the breaker is open (with ``retry_after``) or the deadline has passed.
                Other errors of the call pass through and do not count.
        """
        admission = await self._admit()
        try:
            result = await self._within(work, seconds)
        except self._failure as error:
            # A permanent failure concerns one text, so it does not count; a rejected key concerns all of them.
            counts = error.retryable or (isinstance(error, EmbeddingFailed) and error.account)
            await self._report(admission, error.detail if counts else None)
            raise
        except BaseException:
            # Cancelled or rejected as invalid: no evidence about the dependency.
            if admission is not None and self._guard is not None:
                await self._guard.abandoned(admission)
            raise
        await self._report(admission, None)
        return result

    async def _admit(self) -> "Admission | None":
        if self._guard is None:
            return None
        try:
            return await self._guard.admit(self._name)
        except BreakerOpen as error:
            raise self._failure(error.detail, retry_after=error.retry_after) from None

    async def _report(self, admission: "Admission | None", failure: str | None) -> None:
        if self._guard is None or admission is None:
            return
        if failure is None:
            await self._guard.succeeded(admission)
        else:
            await self._guard.failed(admission, failure)

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
