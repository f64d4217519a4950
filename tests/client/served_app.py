"""The app that the tests of the MCP server and of the A2A server serve."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel

from holdfast import Agent, App, ToolContext, tool


class Weather(BaseModel):
    """A forecast."""

    city: str
    degrees: int


@tool(timeout=60)
async def dig(ctx: ToolContext) -> str:
    """Make a hole."""
    for spade in range(500):
        ctx.heartbeat(f"spade {spade}")
        await asyncio.sleep(0.1)
    return "a hole"


def app() -> App:
    """An agent with a long tool, and one with an output type."""
    return App(
        agents=[
            Agent("helper", model="openai:scripted", description="Helps.", tools=[dig]),
            Agent("forecaster", model="openai:scripted", output_type=Weather),
        ]
    )
