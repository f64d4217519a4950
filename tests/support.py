"""Apps, tools and models that the tests of sessions and of the client share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from holdfast import Agent, App, Tool, ToolContext, ToolError, tool
from holdfast.testing import Reply, Request
from holdfast_client.stream.events import StreamEvent, TextDelta, TextRestart

WAIT = 60.0
NUL_AND_SURROGATE = "a\x00b\ud800c\udfffd"


@dataclass
class Gate:
    """A tool waits here until the test opens it; ``left`` lists the tools that have ended."""

    entered: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    left: list[str] = field(default_factory=list[str])

    async def arrived(self) -> None:
        """Wait until a tool is at the gate."""
        async with asyncio.timeout(WAIT):
            await self.entered.wait()


async def eventually(check: Callable[[], Awaitable[bool]], within: float = 60.0) -> None:
    """Wait until a check returns True, for at most so many seconds."""
    async with asyncio.timeout(within):
        while not await check():  # noqa: ASYNC110 - the checked state is in another process
            await asyncio.sleep(0.02)


def always(reply: Reply) -> Callable[[Request], Reply]:
    """A model that gives the same reply to every request."""
    return lambda _request: reply


def shown(events: list[StreamEvent]) -> str:
    """The text of a stream, without what was restarted."""
    text: list[str] = []
    for event in events:
        if isinstance(event, TextRestart):
            text.clear()
        elif isinstance(event, TextDelta):
            text.append(event.text)
    return "".join(text)


class Report(BaseModel):
    title: str
    points: list[str]


def after(go: asyncio.Event, *replies: Reply) -> Callable[[Request], Awaitable[Reply]]:
    """A model whose first reply waits for an event."""

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


@tool(timeout=30)
async def dig(ctx: ToolContext) -> str:
    """Dig until cancelled."""
    for spade in range(100):
        ctx.heartbeat(f"spade {spade}")
        await asyncio.sleep(0.2)
    return "a hole"


_posted: set[str] = set()


@tool(effect="once", timeout=0.2)
async def post(what: str, ctx: ToolContext) -> str:
    """Post something; the first attempt times out.

    Args:
        what: What to post.
    """
    if ctx.key not in _posted:
        _posted.add(ctx.key)
        await asyncio.Event().wait()
    return f"{what} is posted"


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
    """Refuse."""
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
    """Return characters that databases do not accept."""
    return NUL_AND_SURROGATE


def make_app(gate: Gate | None = None, **options: Any) -> App:
    """An app of one agent, ``helper``, with a tool of every kind."""
    tool_gate = gate or Gate()

    @tool
    async def hold(name: str) -> str:
        """Wait at the gate.

        Args:
            name: Who waits.
        """
        tool_gate.entered.set()
        try:
            await tool_gate.opened.wait()
        finally:
            await asyncio.sleep(0.3)  # cleaning up takes a while
            tool_gate.left.append(name)
        return f"{name} passed"

    @tool(inline=True)
    async def linger(name: str) -> str:
        """Wait at the gate in an inline step.

        Args:
            name: Who waits.
        """
        tool_gate.entered.set()
        await tool_gate.opened.wait()
        return f"{name} passed"

    tools: list[Tool[..., Any]] = [look, peek, hold, linger, stumble, fall, refuse, blow, babble]
    agent = Agent("helper", model="openai:scripted", instructions="Help.", tools=tools, **options)
    return App(agents=[agent])


app = App(
    agents=[
        Agent("helper", model="openai:scripted", tools=[look, dig], description="Helps."),
        Agent("quick", model="openai:scripted", tools=[peek]),
        Agent("poster", model="openai:scripted", tools=[post]),
    ]
)
"""The app of the client's tests."""
