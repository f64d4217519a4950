"""Time limits for calls of the Temporal client."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


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
