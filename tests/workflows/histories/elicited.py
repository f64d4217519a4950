"""The shape of a run in which an MCP server asks a person for input before it carries a call out."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from holdfast import Agent, App, MCPServer
from holdfast.testing import Environment, Reply, Request, call, say
from holdfast_client import Session

from ...support import Gate, eventually

_NOTES = str(Path(__file__).parents[2] / "mcp_servers" / "notes.py")


def with_server(_: Gate) -> App:
    """An agent with the MCP server of the tests."""
    server = MCPServer("notes", command=[sys.executable, _NOTES], env={"NOTES_FOLDER": tempfile.mkdtemp()})
    return App(agents=[Agent("helper", model="openai:scripted", tools=[server])])


def _paints(request: Request) -> Reply:
    return call("notes__paint", {"what": "the door"}) if request.results == 0 else say("Done.")


async def elicited(holdfast: Environment, _: Gate) -> Session:
    """A session whose tool asks for a colour, and gets it."""
    session = await holdfast.client.start("helper", "Paint the door")

    async def asked() -> bool:
        return bool((await session.view()).inbox)

    await eventually(asked)
    [item] = (await session.view()).inbox
    await session.answer(item.id, "confirm", text='{"colour": "red", "shade": 3}', by="ann")
    await session.wait()
    await session.close()
    return session


ELICITED = {"elicited": (elicited, _paints, with_server)}
