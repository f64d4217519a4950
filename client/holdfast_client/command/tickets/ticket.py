"""``ticket``: list, settle and serve the calls whose result comes later."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from holdfast_workflows.contracts import exits

from ..common import printing
from ..common.execution import command, connected, fail
from ..common.options import Json, Limit, SessionId, argument
from ..common.serving import address
from ..inbox.answers import By, login
from ..inbox.inbox import table

ticket = typer.Typer(no_args_is_help=True, help="Calls whose result comes from another system or a client.")

_Id = Annotated[str, argument("TICKET", "The ticket's id, such as ticket-7, or the key of its call.")]


@ticket.command("list")
@command
async def list_tickets(
    context: typer.Context,
    agent: Annotated[str | None, typer.Option(help="Only sessions of this agent.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only sessions of this tenant.")] = None,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """List the tickets of all sessions, the next deadline first.

    With --json: one line each, the item: {"id", "session", "what", "tool", "arguments", "deadline", …}.
    """
    found = await (await connected(context)).tickets(agent=agent, tenant=tenant, limit=limit)
    printing.listing(found, table, "No ticket waits.", json=json)


@ticket.command()
@command
async def settle(
    context: typer.Context,
    session: SessionId,
    id: _Id,
    result: Annotated[str, argument("RESULT", "The result; - reads it from standard input.")],
    failed: Annotated[bool, typer.Option("--failed", help="The call has failed; RESULT says why.")] = False,
    by: By = "",
    json: Json = False,
) -> None:
    """Give the result of a ticket.

    With --json: the session's view.
    """
    text = sys.stdin.read() if result == "-" else result
    handle = (await connected(context)).session(session)
    view = await handle.settle(id, text, failed=failed, by=by or login())
    printing.result(view, f"{session}: {id}: {'failed' if failed else 'settled'}", json=json)


@ticket.command()
@command
async def serve(
    context: typer.Context,
    http: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where to listen.")] = "127.0.0.1:8767",
) -> None:
    """Take results by HTTP: `POST /tickets/TOKEN` with the result as body.

    The token is `ToolContext.ticket_token` of the call; it settles that ticket only. With
    `?status=failed` the body is the reason of the failure.
    """
    host, port = address(http)
    if find_spec("starlette") is None or find_spec("uvicorn") is None:
        fail('ticket serve needs `pip install "holdfast[a2a]"`', exits.FAILED)
    from holdfast_client.tickets import webhook  # half a second, so only here

    client = await connected(context)
    shown = f"[{host}]" if ":" in host else host
    sys.stderr.write(f"holdfast: tickets at http://{shown}:{port}/tickets/\n")
    await webhook.serve(client, host, port)
