"""The version that runs: ``holdfast worker examples.deploy.v1:app``."""

from __future__ import annotations

from holdfast import Agent, App, tool


@tool
async def stock(title: str) -> str:
    """How many copies of a book are in stock.

    Args:
        title: The full title.
    """
    return f"{title}: 3 copies"


clerk = Agent("clerk", model="openai:gpt-5-mini", instructions="Answer in one sentence.", tools=[stock])
app = App(name="counter", agents=[clerk])
