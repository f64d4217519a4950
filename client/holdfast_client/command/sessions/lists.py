"""Lists of sessions and agents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Limit

if TYPE_CHECKING:
    from holdfast_client.operations.listing import SessionInfo
    from holdfast_workflows.contracts.operations.content import AgentInfo

Status = Literal[
    "starting", "idle", "running", "paused", "waiting", "needs_person", "closed", "failed", "cancelled"
]


@command
async def sessions(
    context: typer.Context,
    agent: Annotated[str | None, typer.Option(help="Only sessions of this agent.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only sessions of this tenant.")] = None,
    user: Annotated[str | None, typer.Option(help="Only sessions with this user.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only sessions with this status.")] = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List sessions, newest first.

    With --json: one line each, {"id", "agent", "tenant", "status", "turns", "cost",
    "started", "ended", "user"}.
    """
    client = await connected(context)
    found = client.sessions(agent=agent, tenant=tenant, user=user, status=status, limit=limit)
    printing.listing([info async for info in found], sessions_table, "There are no such sessions.", json=json)


@command
async def agents(context: typer.Context, json: Json = False) -> None:
    """List the agents that the workers serve.

    With --json: one line each, {"name", "description", "models", "tools"}.
    """
    client = await connected(context)
    printing.listing(await client.agents(), _agents_table, "The workers serve no agents.", json=json)


def sessions_table(found: Sequence[SessionInfo]) -> Table:
    """Return a table that fits in 80 columns: without empty columns, and without today's date."""
    owners = [each for each in ("tenant", "user") if any(getattr(info, each) for info in found)]
    table = _table("session", "agent", *owners, "status", "turns", "cost", "started")
    today = datetime.now().astimezone().date()
    for info in found:
        started = info.started.astimezone()
        printing.add_row(
            table,
            info.id,
            info.agent,
            *(getattr(info, each) for each in owners),
            info.status,
            str(info.turns),
            f"${info.cost:.4f}",
            f"{started:%H:%M:%S}" if started.date() == today else f"{started:%Y-%m-%d}",
        )
    return table


def _agents_table(found: Sequence[AgentInfo]) -> Table:
    table = _table("agent", "description", "models", "tools")
    for info in found:
        printing.add_row(table, info.name, info.description, ", ".join(info.models), ", ".join(info.tools))
    return table


def _table(*columns: str) -> Table:
    """Return a table whose names wrap, but do not fill the line."""
    table = printing.table(*columns, wrap=("agent", "tenant", "user", "description", "models", "tools"))
    for column in table.columns:
        column.ratio = None
    return table
