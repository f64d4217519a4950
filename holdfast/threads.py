"""Run functions that are not async in threads, and always wait for their end."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_THREADS = 64
# One pool per process. Tools mostly wait, so it has more threads than cores.
_pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="holdfast-tool")


async def run_in_thread(function: Callable[[], T]) -> T:
    """Run a function in a thread, with the caller's context variables.

    A cancelled caller gets CancelledError only after the thread has ended: a thread cannot be stopped, and it
    must not act after the cancel was acknowledged.
    """
    context = contextvars.copy_context()
    job = _pool.submit(context.run, _guarded, function)
    done = asyncio.wrap_future(job)
    cancelled = False
    while not done.done():
        try:
            await asyncio.wait([done])
        except asyncio.CancelledError:
            cancelled = True
            job.cancel()  # works only while the job is queued
    if cancelled:
        if not done.cancelled():
            done.exception()  # retrieved, so that asyncio does not log it
        raise asyncio.CancelledError
    return done.result()


def _guarded(function: Callable[[], T]) -> T:
    try:
        return function()
    except StopIteration as error:
        # A future cannot hold it: the caller would wait forever.
        raise RuntimeError("the function raised StopIteration") from error
    except (asyncio.CancelledError, CancelledError) as error:
        # It would be taken for a cancellation of the call.
        raise RuntimeError("something the function waited for was cancelled") from error
