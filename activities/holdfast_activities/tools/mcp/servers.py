"""The MCP servers of a worker's agents: their tools for new sessions, and the functions behind them."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from holdfast_workflows.contracts.agent import tool_limits
from holdfast_workflows.contracts.agent.app import Registry, ToolBinding
from holdfast_workflows.contracts.agent.mcp import CredentialsContext, McpServer
from holdfast_workflows.contracts.agent.spec import AgentSpec, ToolSpec
from holdfast_workflows.contracts.errors import (
    HoldfastError,
    McpAccessDenied,
    McpToolsInvalid,
    McpUnavailable,
)
from holdfast_workflows.contracts.session.steps import LoadInput

from .binding import McpBinding
from .connection import Lost
from .credentials import resolve
from .listing import ListedTool, chosen, specs
from .pool import Pool

_log = logging.getLogger("holdfast.mcp")


class McpServers:
    """Lists and calls the tools of the registry's servers."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._pool = Pool()
        self._last: dict[tuple[McpServer, str], Mapping[str, ListedTool]] = {}
        """The newest tool list by server and credentials, for when a server cannot be reached."""

    async def extended(self, spec: AgentSpec, load: LoadInput, within: float) -> AgentSpec:
        """The spec with the tools that its servers have now, for a session of that user.

        Raises:
            McpUnavailable: A server that is not optional gave no list within so many seconds.
            McpAccessDenied: It refused the credentials.
            McpToolsInvalid: Its tools cannot be offered.
        """
        servers = self._registry.servers.get(spec.name, ())
        if not servers:
            return spec
        found = await asyncio.gather(*(self._specs(each, spec, load, within) for each in servers))
        tools = (*spec.tools, *(tool for each in found for tool in each))
        _expect_distinct(tools)
        if problem := tool_limits.problem(tools, spec.models):
            raise McpToolsInvalid(f"agent {spec.name!r}{problem}")
        return spec.model_copy(update={"tools": tools})

    def of(self, spec: AgentSpec) -> dict[str, ToolBinding]:
        """The functions behind a spec's tools of servers that this worker's agent still has, by name."""
        servers = {each.name: each for each in self._registry.servers.get(spec.name, ())}
        return {
            tool.name: McpBinding(tool, tool.mcp, servers[tool.mcp.server], self._pool)
            for tool in spec.tools
            if tool.mcp is not None and tool.mcp.server in servers
        }

    async def listed(
        self, server: McpServer, about: CredentialsContext[Any], most_age: float
    ) -> Mapping[str, ListedTool]:
        """The tools of a server, read at most so many seconds ago; older ones if it cannot be reached."""
        resolved = await resolve(server, about)
        key = (server, resolved.key)
        try:
            async with self._pool.connection(server, resolved) as connection:
                self._last[key] = await connection.tools(most_age)
        except (McpUnavailable, Lost) as error:
            if key in self._last:
                _log.warning("%s Its last tool list is used.", error)
            elif isinstance(error, McpUnavailable):
                raise
            else:
                raise McpUnavailable(f"server {server.name!r}: {error}") from error
        return self._last[key]

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Connect to the servers in the background, so that the first session starts at once; close at the end."""
        tasks = [asyncio.create_task(self._warm_up()), asyncio.create_task(self._pool.close_idle())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._pool.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    async def _specs(
        self, server: McpServer, spec: AgentSpec, load: LoadInput, within: float
    ) -> tuple[ToolSpec, ...]:
        about = CredentialsContext[Any](
            server=server.name,
            agent=spec.name,
            session=load.session,
            tenant=load.tenant,
            user=load.user,
            deps=self._registry.deps,
        )
        try:
            async with asyncio.timeout(within):
                listed = await self.listed(server, about, 0.0 if load.again else server.refresh)
        except TimeoutError:
            # The connection goes on in the background; a retry finds it further, or failed.
            raise McpUnavailable(f"server {server.name!r} has not listed its tools yet") from None
        except (McpUnavailable, McpAccessDenied) as error:
            if not server.optional:
                raise
            _log.warning("%s A session of agent %s starts without its tools.", error, spec.name)
            return ()
        return specs(server, listed.values(), spec.models)

    async def _warm_up(self) -> None:
        """List the tools of servers whose credentials are the same for all users, and log what is wrong."""
        of_all = {server: agent for agent, each in self._registry.servers.items() for server in each}
        await asyncio.gather(
            *(self._warm(agent, each) for each, agent in of_all.items() if not each.credentials)
        )

    async def _warm(self, agent: str, server: McpServer) -> None:
        about = CredentialsContext[Any](server.name, agent, "", "", "", self._registry.deps)
        with suppress(asyncio.CancelledError):
            try:
                listed = await self.listed(server, about, server.refresh)
                for tool in chosen(server, listed.values()):
                    if tool.problem:
                        _log.warning(
                            "server %s: tool %r is left out: %s", server.name, tool.name, tool.problem
                        )
            except HoldfastError as error:
                _log.warning("%s", error)


def _expect_distinct(tools: tuple[ToolSpec, ...]) -> None:
    seen = set[str]()
    for tool in tools:
        if tool.name in seen:
            raise McpToolsInvalid(
                f"two tools are named {tool.name!r}; give a server another prefix, or rename the other tool"
            )
        seen.add(tool.name)
