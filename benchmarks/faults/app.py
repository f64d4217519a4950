"""The App in which faults are seeded."""

from __future__ import annotations

import asyncio

from holdfast import Agent, App, Budget, Memory, Permissions, allow, tool


@tool(effect="once", approval="ask")
async def refund(order: int) -> str:
    """Refund an order.

    Args:
        order: Its number.
    """
    return f"refunded {order}"


@tool
async def search(words: str) -> str:
    """Search the catalogue, slowly.

    Args:
        words: What to look for.
    """
    await asyncio.sleep(3)
    return f"nothing about {words}"


clerk = Agent(
    "clerk",
    model="openai:gpt-5-mini",
    instructions="Help.",
    tools=[refund, search],
    budget=Budget(tokens=100_000),
    memory=Memory(),
    permissions=Permissions(rules=(allow("*"),)),
)
app = App(name="faults", agents=[clerk])
needy = App(name="faults", agents=[clerk], secrets=["env:A_SECRET_THAT_IS_NOT_THERE"])
