"""Waiting for no longer than allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def bounded(call: Coroutine[Any, Any, T], seconds: float) -> T:
    """The call's result.

    Not ``asyncio.timeout``: Temporal's client turns the cancellation of a waiting update
    into an error of its own, and the cancellation would be lost. In a task of its own
    the call may end as it likes.

    Raises:
        TimeoutError: It took longer; it was cancelled.
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
    """Take note of how it ended, or asyncio reports an error that nobody looked at."""
    if not task.cancelled():
        task.exception()
