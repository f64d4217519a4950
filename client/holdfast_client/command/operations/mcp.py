"""``mcp serve``: the agents as tools of an MCP server. ``mcp tools`` is a command of workers."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..common import exits
from ..common.execution import command, connected, fail
from ..common.options import Options, Tenant, User

if TYPE_CHECKING:
    from holdfast_client.mcp_server.callers import Callers

mcp = typer.Typer(no_args_is_help=True, help="Serve agents as MCP tools, or list the MCP tools of agents.")

_LOCAL = ("127.0.0.1", "localhost", "::1")


@mcp.command()
@command
async def serve(
    context: typer.Context,
    stdio: Annotated[bool, typer.Option("--stdio", help="Standard input and output; the default.")] = False,
    http: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Streamable HTTP at /mcp.", show_default=False)
    ] = "",
    agent: Annotated[
        list[str] | None, typer.Option("--agent", metavar="NAME", help="Serve only this agent; repeatable.")
    ] = None,
    tenant: Tenant = "",
    user: User = "",
    as_caller: Annotated[
        bool,
        typer.Option(
            "--as-caller",
            help="Each HTTP request needs a credential of the deployment as bearer token, and acts as its principal.",
        ),
    ] = False,
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
    host, port = _address(http)
    token = token_file.read_text().strip() if token_file else os.environ.get("HOLDFAST_MCP_TOKEN", "").strip()
    if as_caller and (token or not http):
        raise typer.BadParameter("--as-caller is for --http, and without a token")
    if http and host not in _LOCAL and not token and not as_caller:
        raise typer.BadParameter(
            f"{host} is reached by other machines; require a token with --token-file, or use --as-caller"
        )
    if find_spec("mcp") is None:
        fail('mcp serve needs `pip install "holdfast[mcp]"`', exits.FAILED)
    from holdfast_client.mcp_server import agents, transports  # half a second, so only here

    client = await _callers(context) if as_caller else await connected(context)
    served = agents.AgentServer(client, tenant=tenant, user=user, agents=tuple(agent or ()))
    if not http:
        await transports.serve_stdio(served)
        return
    sys.stderr.write(f"holdfast: MCP at http://{host}:{port}/mcp\n")
    await transports.serve_http(served, host, port, token)


async def _callers(context: typer.Context) -> Callers:
    import holdfast_temporal
    from holdfast_client.mcp_server.callers import Callers

    options = context.find_object(Options) or Options()
    temporal = await holdfast_temporal.connect(options.address or None, namespace=options.namespace or None)
    return Callers(temporal, options.task_queue or None)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if text and (not host or not port.isdigit()):
        raise typer.BadParameter(f"--http {text!r}; write HOST:PORT, such as 127.0.0.1:8765")
    return host.strip("[]"), int(port or 0)
