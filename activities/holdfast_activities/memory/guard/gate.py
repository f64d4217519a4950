"""A deadline and a circuit breaker round every call of a memory store or embedding server.

Clients of databases retry by themselves, for longer than a turn may wait, so the deadline is
kept from outside: a call past it is cancelled and not waited for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from holdfast_workflows.contracts.errors import BreakerOpen, EmbeddingFailed, MemoryUnavailable

if TYPE_CHECKING:
    from holdfast_activities.resilience import Admission

T = TypeVar("T")


class Guard(Protocol):
    """Circuit breakers; the worker's ``Breakers`` are some."""

    async def admit(self, name: str) -> "Admission": ...

    async def succeeded(self, admission: "Admission") -> None: ...

    async def failed(self, admission: "Admission", reason: str = "") -> None: ...

    async def abandoned(self, admission: "Admission") -> None: ...


class Gate:
    """Where every call of one part goes through."""

    def __init__(
        self, name: str, guard: Guard | None, failure: type[MemoryUnavailable] | type[EmbeddingFailed]
    ) -> None:
        """A gate.

        Args:
            name: The breaker's, such as ``memory:embedded``.
            guard: The breakers; None for deadlines only.
            failure: The error that says that the part is in trouble, raised by it and by the gate.
        """
        self._name = name
        self._guard = guard
        self._failure = failure
        self._late: set[asyncio.Future[Any]] = set()

    async def call(self, work: Callable[[], Awaitable[T]], seconds: float | None) -> T:
        """What the work gives.

        Args:
            work: The call.
            seconds: What it may take; None for as long as it takes.

        Raises:
            HoldfastError: The failure that the gate is for: at once while the breaker is open, with the time
                to wait; or past the deadline. Or another that the work raised, which says nothing of the part.
        """
        admission = await self._admit()
        try:
            result = await self._within(work, seconds)
        except self._failure as error:
            # A failure that trying again does not help is an answer, such as to a text it cannot take; but a key
            # that is refused is refused for every text.
            counts = error.retryable or (isinstance(error, EmbeddingFailed) and error.account)
            await self._tell(admission, error.detail if counts else None)
            raise
        except BaseException:
            # Cancelled, or refused for what was asked: neither speaks for or against the part.
            if admission is not None and self._guard is not None:
                await self._guard.abandoned(admission)
            raise
        await self._tell(admission, None)
        return result

    async def _admit(self) -> "Admission | None":
        if self._guard is None:
            return None
        try:
            return await self._guard.admit(self._name)
        except BreakerOpen as error:
            raise self._failure(error.detail, retry_after=error.retry_after) from None

    async def _tell(self, admission: "Admission | None", failure: str | None) -> None:
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
                # Not waited for: what hangs may hang in its cancellation, too.
                task.cancel()
                self._late.add(task)
                task.add_done_callback(self._forget)
        if not done:
            raise self._failure(f"{self._name}: no answer within {seconds:g} s")
        return task.result()

    def _forget(self, late: "asyncio.Future[Any]") -> None:
        self._late.discard(late)
        if not late.cancelled():
            late.exception()  # looked at, so that nobody is told that it was not
