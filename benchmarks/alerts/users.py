"""Users of the run: each starts one session after the other."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from holdfast import HoldfastError

from .stack import Stack

_LONGEST = 120.0  # seconds of a session


@dataclass(frozen=True)
class User:
    """What a user asks for; the first word of ``text`` is the tool that the model calls."""

    text: str = "look"
    agent: str = "support"
    tenant: str = ""
    pause: float = 0.5
    cancels: bool = False
    """Whether the user cancels each task after a moment."""

    async def ask(self, up: Stack) -> None:
        """Run one session; its errors are what the metrics count."""
        with suppress(HoldfastError, TimeoutError):
            async with asyncio.timeout(_LONGEST):
                if not self.cancels:
                    await up.client.run(self.agent, f"{self.text} at it", tenant=self.tenant)
                    return
                session = await up.client.start_task(self.agent, f"{self.text} at it")
                await asyncio.sleep(1)
                await session.cancel("it takes too long")

    async def work(self, up: Stack) -> None:
        """Ask until cancelled."""
        while True:
            await self.ask(up)
            await asyncio.sleep(self.pause)


@asynccontextmanager
async def working(up: Stack, user: User, number: int) -> AsyncGenerator[None]:
    """So many users at once, for the length of the block."""
    tasks = [asyncio.create_task(user.work(up)) for _ in range(number)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
