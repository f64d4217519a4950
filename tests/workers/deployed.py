"""An App before and after a deploy that adds an agent."""

from holdfast import Agent, App, tool

_MODEL = "openai:scripted"


@tool
async def ring() -> str:
    """Ring the bell."""
    return "ringing"


@tool(inline=True)
async def glance() -> str:
    """Look at the bell."""
    return "a bell"


_clerk = Agent("clerk", model=_MODEL)

before = App(name="deployed", agents=[_clerk])
after = App(name="deployed", agents=[_clerk, Agent("cashier", model=_MODEL, tools=[ring, glance])])
