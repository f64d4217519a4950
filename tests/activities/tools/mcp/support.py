"""Real MCP servers and calls of their tools, without a session around them."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from holdfast import Agent, App, MCPServer, ToolContext
from holdfast_activities.tools.mcp.servers import McpServers
from holdfast_temporal import probe
from holdfast_workflows.contracts.agent.app import ToolBinding
from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.session.steps import LoadInput

NOTES = str(Path(__file__).parents[3] / "mcp_servers" / "notes.py")
BOUND = 20.0


def notes(folder: Path, **options: Any) -> MCPServer:
    """The server of the tests, as a command."""
    env = {"NOTES_FOLDER": str(folder), **options.pop("env", {})}
    return MCPServer("notes", command=[sys.executable, NOTES], env=env, **options)


def app_with(*servers: MCPServer, **options: Any) -> App:
    """An app whose agent ``clerk`` has the servers."""
    return App(agents=[Agent("clerk", model="openai:scripted", tools=list(servers))], **options)


def recorded(folder: Path, tool: str = "") -> list[dict[str, Any]]:
    """The calls that the server received."""
    file = folder / "calls.jsonl"
    made = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [each for each in made if each["tool"] == tool or not tool]


def context(user: str = "", tenant: str = "", **options: Any) -> ToolContext:
    """The context of a call."""
    given: dict[str, Any] = {
        "session": "s-1",
        "agent": "clerk",
        "key": "s-1-3",
        "attempt": 1,
        "turn": 1,
        "step": 1,
        "log": logging.getLogger("test"),
        "_heartbeat": list[str]().append,
        "_cancelled": lambda: False,
    }
    return ToolContext(user=user, tenant=tenant, **{**given, **options})


@dataclass
class Tools:
    """The servers of a worker, and the tools that a session of the agent got."""

    servers: McpServers
    app: App
    spec: AgentSpec | None = None
    said: list[str] = field(default_factory=list[str])

    async def load(self, user: str = "", *, again: bool = False, within: float = BOUND) -> AgentSpec:
        """Pin the tools, as the start of a session does."""
        load = LoadInput(session="s-1", agent="clerk", tenant="", user=user, again=again)
        self.spec = await self.servers.extended(self.app.agents["clerk"].spec, load, within)
        return self.spec

    async def tool(self, name: str, user: str = "") -> ToolBinding:
        """A tool of the pinned spec."""
        spec = self.spec or await self.load(user)
        return self.servers.of(spec)[name]

    async def call(self, name: str, user: str = "", tenant: str = "", **arguments: Any) -> str:
        """Validate and call a tool of the pinned spec."""
        binding = await self.tool(name, user)
        about = context(user, tenant, _heartbeat=self.said.append)
        async with asyncio.timeout(BOUND):
            return await binding.call(binding.validate(json.dumps(arguments)), about)


@asynccontextmanager
async def serving(*servers: MCPServer) -> AsyncGenerator[Tools]:
    """The servers of a worker, until the end of the block."""
    app = app_with(*servers)
    made = McpServers(app.registry())
    async with made.running():
        yield Tools(made, app)


@asynccontextmanager
async def over_http(folder: Path, *, port: int = 0) -> AsyncGenerator[tuple[str, asyncio.subprocess.Process]]:
    """The server of the tests at a URL, as a process."""
    number = port or free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, NOTES, "--http", str(number)),
        env={"NOTES_FOLDER": str(folder), "PATH": "/usr/bin:/bin"},
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{number}/mcp"
    try:
        async with asyncio.timeout(BOUND), httpx.AsyncClient() as client:
            while True:
                try:
                    await client.get(url)
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
        yield url, process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def free_port() -> int:
    """A port that for a minute only a process that names it gets."""
    return probe.free_ports(1)[0]


async def gone(pid: int) -> None:
    """Wait until a process has ended."""
    async with asyncio.timeout(BOUND):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
