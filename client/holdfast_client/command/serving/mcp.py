"""``mcp serve``: the agents as tools of an MCP server. ``mcp tools`` is a command of workers."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from holdfast_workflows.contracts import exits

from ..common.execution import command, connected, fail
from ..common.options import Tenant, User
from ..common.serving import AsCaller, ServedAgents, address, callers, check_access, read_token

mcp = typer.Typer(no_args_is_help=True, help="Serve agents as MCP tools, or list the MCP tools of agents.")


@mcp.command()
@command
async def serve(
    context: typer.Context,
    stdio: Annotated[bool, typer.Option("--stdio", help="Standard input and output; the default.")] = False,
    http: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Streamable HTTP at /mcp.", show_default=False)
    ] = "",
    agent: ServedAgents = None,
    tenant: Tenant = "",
    user: User = "",
    as_caller: AsCaller = False,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="The bearer token that HTTP clients must send.  [env var: HOLDFAST_MCP_TOKEN]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the agents as an MCP server: one tool for each agent, one task for each call.

    A task is cancelled when its call is. Calls with the same `_meta` field
    `holdfast/idempotency-key` are one task.
    """
    if stdio and http:
        raise typer.BadParameter("choose one of --stdio and --http")
    host, port = address(http)
    token = read_token(token_file, "HOLDFAST_MCP_TOKEN")
    if as_caller and not http:
        raise typer.BadParameter("--as-caller is for --http")
    if http:
        check_access(host, token, as_caller=as_caller)
    if find_spec("mcp") is None:
        fail('mcp serve needs `pip install "holdfast[mcp]"`', exits.FAILED)
    from holdfast_client.mcp_server import agents, transports  # half a second, so only here

    client = await callers(context) if as_caller else await connected(context)
    served = agents.AgentServer(client, tenant=tenant, user=user, agents=tuple(agent or ()))
    if not http:
        await transports.serve_stdio(served)
        return
    sys.stderr.write(f"holdfast: MCP at http://{host}:{port}/mcp\n")
    await transports.serve_http(served, host, port, token)
