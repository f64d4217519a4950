"""An App with two services; the tool of one tells which process ran it."""

from __future__ import annotations

import os

from holdfast import Agent, App, CodeTool, tool


@tool(queue="search", secrets=["env:SEARCH_KEY"], trusted=True)
async def search() -> str:
    """Search."""
    return str(os.getpid())


@tool(secrets=["env:CORE_KEY"])
async def local() -> str:
    """Look here."""
    return "here"


core = Agent("core", model="openai:m", tools=[search, local, CodeTool(queue="sandbox")])
analyst = Agent("analyst", model="anthropic:m", tools=[local], queue="search")
app = App(agents=[core, analyst])
