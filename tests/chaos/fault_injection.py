"""Repeat an action in the background while runs are driven."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def repeat_in_background(
    pause: Callable[[], float], action: Callable[[], Awaitable[None]]
) -> AsyncGenerator[None]:
    """Call ``action`` after each pause until the block ends; a call in progress is finished.

    Raises:
        ExceptionGroup: The action failed. This is a fault of the harness, so the block is cancelled.
    """
    over = asyncio.Event()

    async def loop() -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause()):
                    await over.wait()
            if over.is_set():
                return
            await action()

    async with asyncio.TaskGroup() as group:
        group.create_task(loop())
        try:
            yield
        finally:
            over.set()
