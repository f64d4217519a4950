"""Agents and tools that the tests of the session share; a gate lets a test hold a tool where it wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from holdfast import Agent, App, Tool, ToolContext, ToolError, tool
from holdfast.testing import Reply, Request

WAIT = 30.0
NUL_AND_SURROGATE = "a\x00b\ud800c\udfffd"


@dataclass
class Gate:
    """Where a tool waits until the test lets it go on."""

    entered: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    left: list[str] = field(default_factory=list[str])

    async def arrived(self) -> None:
        """Wait until a tool is at the gate."""
        async with asyncio.timeout(WAIT):
            await self.entered.wait()


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something becomes true, looking again and again for a bounded time."""
    async with asyncio.timeout(WAIT):
        while not await holds():  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(0.02)


def after(go: asyncio.Event, *replies: Reply) -> Callable[[Request], Awaitable[Reply]]:
    """A model whose first reply comes when a test lets it."""

    async def script(request: Request) -> Reply:
        if request.number == 1:
            await go.wait()
        return replies[request.number - 1]

    return script


@tool
async def look(at: str) -> str:
    """Look at something.

    Args:
        at: What to look at.
    """
    return f"{at}: seen"


@tool(inline=True)
async def peek(at: str) -> str:
    """Look at something quickly.

    Args:
        at: What to look at.
    """
    return f"{at}: glimpsed"


_attempts: dict[str, int] = {}


@tool(retries=1)
async def stumble(ctx: ToolContext) -> str:
    """Fail the first time."""
    _attempts[ctx.key] = _attempts.get(ctx.key, 0) + 1
    if ctx.attempt == 1:
        raise ValueError("stumbled")
    return f"attempt {_attempts[ctx.key]}"


@tool(retries=1)
async def fall() -> str:
    """Fail every time."""
    raise ValueError("fell with \udcff and \x00 in its words")


@tool
async def refuse() -> str:
    """Say that it cannot be."""
    raise ToolError("not today")


@tool
async def blow(size: int, text: str = "x") -> str:
    """Return a text so many times over.

    Args:
        size: How many times.
        text: The text.
    """
    return text * size


@tool
async def babble() -> str:
    """Say what no database wants to hear."""
    return NUL_AND_SURROGATE


def make_app(gate: Gate | None = None, **options: Any) -> App:
    """An app of one agent, ``helper``, with a tool of every kind."""
    held = gate or Gate()

    @tool
    async def hold(name: str) -> str:
        """Wait at the gate.

        Args:
            name: Who waits.
        """
        held.entered.set()
        try:
            await held.opened.wait()
        finally:
            await asyncio.sleep(0.3)  # a tool that takes a while to put its things away
            held.left.append(name)
        return f"{name} passed"

    @tool(inline=True)
    async def linger(name: str) -> str:
        """Wait at the gate within the burst.

        Args:
            name: Who waits.
        """
        held.entered.set()
        await held.opened.wait()
        return f"{name} passed"

    tools: list[Tool[..., Any]] = [look, peek, hold, linger, stumble, fall, refuse, blow, babble]
    agent = Agent("helper", model="openai:scripted", instructions="Help.", tools=tools, **options)
    return App(agents=[agent])
