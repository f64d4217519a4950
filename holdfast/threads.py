"""Functions that are not async, run so that their end is never missed."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_THREADS = 64
# One pool per process: tools mostly wait, so more threads than cores, but not without bound.
_pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="holdfast-tool")


async def run_in_thread(function: Callable[[], T]) -> T:
    """Run a function in a thread, with the caller's context variables.

    A cancelled caller gets its CancelledError only when the thread has ended: a thread
    cannot be stopped, and what it does must not land after the cancel was acknowledged.
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
            job.cancel()  # takes effect only while it waits for a thread
    if cancelled:
        if not done.cancelled():
            done.exception()  # seen, so asyncio does not report it as lost
        raise asyncio.CancelledError
    return done.result()


def _guarded(function: Callable[[], T]) -> T:
    try:
        return function()
    except StopIteration as error:
        # A future cannot carry it: the caller would wait for ever.
        raise RuntimeError("the function let a StopIteration out") from error
    except (asyncio.CancelledError, CancelledError) as error:
        # As it stands it would look as if the call were cancelled.
        raise RuntimeError("something the function waited for was cancelled") from error
