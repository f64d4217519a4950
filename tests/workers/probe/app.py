"""An App whose agent may pay only with a person's approval."""

from __future__ import annotations

from holdfast import Agent, App, Permissions, ask, tool


@tool(effect="once")
async def pay() -> str:
    """Pay the bill."""
    return "paid"


clerk = Agent("clerk", model="openai:gpt", tools=[pay], permissions=Permissions(rules=(ask("pay"),)))
app = App(agents=[clerk])
