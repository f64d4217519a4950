"""An App whose agent has the MCP server of HOLDFAST_TEST_MCP."""

from __future__ import annotations

import json
import os

from holdfast import Agent, App, MCPServer

given = json.loads(os.environ["HOLDFAST_TEST_MCP"])
server = MCPServer("tools", timeout=4, **given)
app = App(agents=[Agent("clerk", model="openai:scripted", tools=[server])])
