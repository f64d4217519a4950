"""Time limits for calls of the Temporal client, and retries of queries that were lost with their worker.

The server hands a query to one worker and does not record it, so a killed worker loses its queries.
The server then does not answer, or reports the request as cancelled. Updates and activities need no
such retry: the server gives them to another worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from temporalio.service import RPCError, RPCStatusCode

T = TypeVar("T")

_ANSWER: Final = 5.0
"""Seconds after which a query counts as lost; doubles with each attempt."""

_PAUSE: Final = 0.1
"""Seconds before a query that is known to be lost is sent again."""

_LOST: Final = frozenset({RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED})


def is_number(value: object, above: float, below: float) -> bool:
    """Whether a value is a number between two others. NaN and booleans are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and above < value < below


async def bounded(call: Coroutine[Any, Any, T], seconds: float) -> T:
    """Await a call for at most so many seconds.

    Not ``asyncio.timeout``: Temporal's client turns the cancellation of a waiting update
    into another error, which would hide the timeout. The call therefore runs in its own task.

    Raises:
        TimeoutError: The call took longer and was cancelled.
    """
    task = asyncio.ensure_future(call)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.add_done_callback(_forget)
            task.cancel()
    if not done:
        raise TimeoutError(f"no answer in {seconds:g} s")
    return task.result()


def _forget(task: asyncio.Future[Any]) -> None:
    """Retrieve the error, or asyncio logs that it was never retrieved."""
    if not task.cancelled():
        task.exception()


async def query_with_retry(send: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Send a query until it is answered or refused. The caller limits the time."""
    timeout = _ANSWER
    while True:
        try:
            return await bounded(send(), timeout)
        except TimeoutError:
            timeout *= 2
        except RPCError as error:
            if error.status not in _LOST:
                raise
            await asyncio.sleep(_PAUSE)
