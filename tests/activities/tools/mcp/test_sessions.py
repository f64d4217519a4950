"""Tools of a real MCP server in sessions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from holdfast import Agent, App, MCPServer
from holdfast.testing import Environment, ScriptedModel, call, say
from holdfast_temporal import DevServer
from holdfast_workflows.contracts.session.entries import ResultEntry

NOTES = str(Path(__file__).parents[3] / "mcp_servers" / "notes.py")


def notes(folder: Path, **options: Any) -> MCPServer:
    """The server of the tests, as a command."""
    return MCPServer("notes", command=[sys.executable, NOTES], env={"NOTES_FOLDER": str(folder)}, **options)


def app_with(*servers: MCPServer) -> App:
    return App(agents=[Agent("clerk", model="openai:scripted", tools=list(servers))])


def recorded(folder: Path) -> list[dict[str, Any]]:
    file = folder / "calls.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


async def test_a_model_calls_a_tool_of_a_server_with_its_key(server: DevServer, tmp_path: Path) -> None:
    script = [call("notes__add", {"text": "milk"}), say("Added.")]
    async with (
        ScriptedModel(script) as model,
        Environment.start(app_with(notes(tmp_path)), model, server=server.address) as holdfast,
    ):
        session = await holdfast.client.start("clerk", "Buy milk")
        assert (await session.wait()).text == "Added."
        results = [e async for e in session.log() if isinstance(e, ResultEntry)]
        [made] = recorded(tmp_path)
        assert made["key"].startswith(session.id)
        assert results[0].text == f"added 'milk' as {made['key']}"
        assert b"Add a note." in model.requests[0].body
