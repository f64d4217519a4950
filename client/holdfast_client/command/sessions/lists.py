"""Lists of sessions and agents."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ..common import execution, printing
from ..common.options import Json

if TYPE_CHECKING:
    from holdfast_client.client import Client
    from holdfast_client.operations.listing import SessionInfo


def sessions(
    context: typer.Context,
    agent: Annotated[str | None, typer.Option(help="Only of this agent.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only for this tenant.")] = None,
    user: Annotated[str | None, typer.Option(help="Only with this user.")] = None,
    status: Annotated[
        str | None,
        typer.Option(
            help="Only starting, idle, running, paused, waiting, needs_person, closed, failed or cancelled."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    json: Json = False,
) -> None:
    """List sessions, newest first.

    With --json: one line each, {"id", "agent", "tenant", "status", "turns", "cost",
    "started", "ended", "user"}.
    """

    async def work(client: Client) -> None:
        from holdfast_client.operations.listing import status_of

        wanted = None if status is None else status_of(status)
        found: list[SessionInfo] = []
        async for info in client.sessions(agent=agent, tenant=tenant, user=user, status=wanted, limit=limit):
            if json:
                printing.document(info)
            else:
                found.append(info)
        if not json:
            printing.out().print(sessions_table(found) if found else "There are no such sessions.")

    execution.run(context, work, json=json)


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
                cells = (info.name, info.description, ", ".join(info.models), ", ".join(info.tools))
                table.add_row(*(printing.plain_cell(cell) for cell in cells))
        if not json:
            printing.out().print(table)

    execution.run(context, work, json=json)


def sessions_table(found: list[SessionInfo]) -> Table:
    """Narrow enough for 80 columns: no column that is empty, and no date that is today's."""
    tenants, users = any(info.tenant for info in found), any(info.user for info in found)
    whose = [*(["tenant"] if tenants else []), *(["user"] if users else [])]
    table = _table("session", "agent", *whose, "status", "turns", "cost", "started")
    today = datetime.now().astimezone().date()
    for info in found:
        started = info.started.astimezone()
        table.add_row(
            info.id,
            printing.plain_cell(info.agent),
            *([printing.plain_cell(info.tenant)] if tenants else []),
            *([printing.plain_cell(info.user)] if users else []),
            info.status,
            str(info.turns),
            f"${info.cost:.4f}",
            f"{started:%H:%M:%S}" if started.date() == today else f"{started:%Y-%m-%d}",
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        # Ids and figures are not wrapped, since they are copied; names may be of any length.
        table.add_column(column, overflow="fold", no_wrap=column not in _LONG)
    return table


_LONG = frozenset({"agent", "tenant", "user", "description", "models", "tools"})
