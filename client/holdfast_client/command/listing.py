"""What there is: sessions and agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from . import printing, running
from .options import Json

if TYPE_CHECKING:
    from holdfast_client.client import Client


def sessions(
    context: typer.Context,
    agent: Annotated[str | None, typer.Option(help="Only of this agent.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only for this tenant.")] = None,
    status: Annotated[
        str | None,
        typer.Option(help="Only starting, waiting, running, paused, closed, failed or cancelled."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    json: Json = False,
) -> None:
    """List sessions, newest first.

    With --json: one line each, {"id", "agent", "tenant", "status", "turns", "cost",
    "started", "ended"}.
    """

    async def work(client: Client) -> None:
        from holdfast_client.listing import status_of

        table = _table("session", "agent", "tenant", "status", "turns", "cost", "started")
        wanted = None if status is None else status_of(status)
        async for info in client.sessions(agent=agent, tenant=tenant, status=wanted, limit=limit):
            if json:
                printing.document(info)
                continue
            started = info.started.astimezone().strftime("%Y-%m-%d %H:%M:%S")
            cells = (
                info.id,
                info.agent,
                info.tenant,
                info.status,
                str(info.turns),
                f"${info.cost:.4f}",
                started,
            )
            table.add_row(*map(printing.shown, cells))
        if not json:
            printing.out().print(table if table.row_count else "There are no such sessions.")

    running.run(context, work, json=json)


def agents(context: typer.Context, json: Json = False) -> None:
    """List the agents that the workers serve.

    With --json: one line each, {"name", "description", "models", "tools"}.
    """

    async def work(client: Client) -> None:
        table = _table("agent", "description", "models", "tools")
        for info in await client.agents():
            if json:
                printing.document(info)
            else:
                table.add_row(info.name, info.description, ", ".join(info.models), ", ".join(info.tools))
        if not json:
            printing.out().print(table)

    running.run(context, work, json=json)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        # Ids and dates are copied and compared: they stay in one piece.
        table.add_column(column, overflow="fold", no_wrap=column in {"session", "started"})
    return table
