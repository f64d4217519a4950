"""The command ``mcp tools``: what models see of the MCP servers of an App.

The command line loads this module for every ``mcp`` command, so the command imports what it needs when it runs.
"""

from __future__ import annotations

import asyncio
import json as json_module
import logging
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast_workflows.contracts.exits import FAILED, OK

from .error_lines import one_line_errors, worker_installed

if TYPE_CHECKING:
    from holdfast_workflows.contracts.agent.app import Registry

_SHOWN = 100
"""Characters of a description in the list."""


def tools(
    app: Annotated[str, typer.Argument(metavar="MODULE:APP", help="The App.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each tool.")] = False,
    tenant: Annotated[str, typer.Option(help="The tenant, for servers with credentials of users.")] = "",
    user: Annotated[str, typer.Option(help="The user, for servers with credentials of users.")] = "",
) -> None:
    """List the tools of an App's MCP servers, as models see them.

    With --json: {"agent", "server", "name", "tool", "effect", "digest", "description", "parameters",
    "problem"}; a tool with a problem is not offered.
    """
    with worker_installed():
        from .startup.loading import load_app

    logging.getLogger("holdfast.mcp").setLevel(logging.ERROR)
    with one_line_errors(json=json):
        registry = load_app(app).registry()
        if not registry.servers:
            typer.echo("no agent has an MCP server", err=True)
            raise typer.Exit(OK)
        rows, failures = asyncio.run(_rows(registry, tenant, user))
    for row in rows:
        typer.echo(json_module.dumps(row) if json else _line(row))
    for failure in failures:
        typer.echo(f"holdfast: {failure}", err=True)
    raise typer.Exit(FAILED if failures else OK)


async def _rows(registry: Registry, tenant: str, user: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The tools, and why servers gave none."""
    from holdfast_activities.tools.mcp.listing import chosen, effect_of, specs
    from holdfast_activities.tools.mcp.servers import McpServers
    from holdfast_workflows.contracts.agent.mcp import CredentialsContext
    from holdfast_workflows.contracts.errors import HoldfastError

    from .startup.lifespan import with_dependencies

    rows: list[dict[str, Any]] = []
    failures: list[str] = []
    async with with_dependencies(registry) as entered:
        servers = McpServers(entered)
        try:
            for agent, declared in entered.servers.items():
                for server in declared:
                    about = CredentialsContext[Any](server.name, agent, "", tenant, user, entered.deps)
                    try:
                        listed = await servers.listed(server, about, server.refresh)
                        offered = {
                            each.mcp.tool: each
                            for each in specs(server, listed.values(), entered.agents[agent].models)
                            if each.mcp is not None
                        }
                    except HoldfastError as error:
                        failures.append(str(error))
                        continue
                    for tool in chosen(server, listed.values()):
                        spec = offered.get(tool.name)
                        rows.append(
                            {
                                "agent": agent,
                                "server": server.name,
                                "name": spec.name if spec else "",
                                "tool": tool.name,
                                "effect": effect_of(server, tool),
                                "digest": tool.digest,
                                "description": spec.description if spec else "",
                                "parameters": dict(tool.schema),
                                "problem": tool.problem,
                            }
                        )
        finally:
            await servers.close()
    return rows, failures


def _line(row: dict[str, Any]) -> str:
    from holdfast_workflows.contracts.text.unicode import preview

    said = f"not offered: {row['problem']}" if row["problem"] else row["description"]
    name = row["name"] or row["tool"]
    return f"{row['agent']}  {name}  {row['effect']}  {row['digest']}  {preview(said, _SHOWN)}"
