"""The agents that tests of the client talk to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pydantic import BaseModel

from holdfast import Agent, App, ToolContext, tool
from holdfast.testing import Reply, Request
from holdfast_client.stream.events import StreamEvent, TextDelta, TextRestart


class Report(BaseModel):
    title: str
    points: list[str]


@tool
async def look(at: str) -> str:
    """Look at something.

    Args:
        at: What to look at.
    """
    return f"{at} is there"


@tool(inline=True)
async def peek(at: str) -> str:
    """Look at something quickly.

    Args:
        at: What to look at.
    """
    return f"{at} was seen"


@tool(timeout=30)
async def dig(ctx: ToolContext) -> str:
    """Dig until told to stop."""
    for spade in range(100):
        ctx.heartbeat(f"spade {spade}")
        await asyncio.sleep(0.2)
    return "a hole"


_TRIED: set[str] = set()


@tool(effect="once", timeout=0.2)
async def post(what: str, ctx: ToolContext) -> str:
    """Post something; of the first attempt nobody ever hears.

    Args:
        what: What to post.
    """
    if ctx.key not in _TRIED:
        _TRIED.add(ctx.key)
        await asyncio.Event().wait()
    return f"{what} is posted"


app = App(
    agents=[
        Agent("helper", model="openai:scripted", tools=[look, dig], description="Helps."),
        Agent("quick", model="openai:scripted", tools=[peek]),
        Agent("poster", model="openai:scripted", tools=[post]),
    ]
)


def always(reply: Reply) -> Callable[[Request], Reply]:
    """A model that says one thing to everybody."""
    return lambda _request: reply


async def eventually(check: Callable[[], Awaitable[bool]], within: float = 40.0) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(within):
        while not await check():  # noqa: ASYNC110  # what it looks at is in another process
            await asyncio.sleep(0.05)


def shown(events: list[StreamEvent]) -> str:
    """What a terminal shows of a stream's text."""
    text: list[str] = []
    for event in events:
        if isinstance(event, TextRestart):
            text.clear()
        elif isinstance(event, TextDelta):
            text.append(event.text)
    return "".join(text)
