"""What goes wrong in the background while runs are driven."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def meanwhile(
    pause: Callable[[], float], strike: Callable[[], Awaitable[None]]
) -> AsyncGenerator[None]:
    """Strike after each pause for as long as the block lasts; a strike that has begun is finished.

    Raises:
        ExceptionGroup: A strike failed; the block is cancelled, since it is the harness that failed.
    """
    over = asyncio.Event()

    async def loop() -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause()):
                    await over.wait()
            if over.is_set():
                return
            await strike()

    async with asyncio.TaskGroup() as group:
        group.create_task(loop())
        try:
            yield
        finally:
            over.set()
