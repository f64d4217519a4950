"""Lists of sessions and agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Limit

if TYPE_CHECKING:
    from holdfast_client.operations.listing import SessionInfo
    from holdfast_workflows.contracts.operations.content import AgentInfo
    from holdfast_workflows.contracts.teams.agent_loads import AgentLoad

Status = Literal[
    "starting", "idle", "running", "paused", "waiting", "needs_person", "closed", "failed", "cancelled"
]

_ALWAYS: Final = ("session", "status", "turns", "cost", "started")
_LABELLED: Final = ("app", "tenant", "user")
_NUMBERS: Final = ("turns", "cost")
_STYLES: Final = {"needs_person": "bold", "failed": "red"}
_MESSAGE: Final = 24
"""Columns that a message needs to be worth a column."""


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
    "started", "ended", "user", "app", "message"}.
    """
    client = await connected(context)
    found = client.sessions(agent=agent, tenant=tenant, user=user, status=status, limit=limit)
    printing.listing(
        [info async for info in found],
        lambda listed: sessions_list(listed, printing.out().width),
        "There are no such sessions.",
        json=json,
    )


@command
async def agents(
    context: typer.Context,
    load: Annotated[bool, typer.Option("--load", help="What each does now, and its last turns.")] = False,
    json: Json = False,
) -> None:
    """List the agents that the workers serve.

    With --json: one line each, {"name", "description", "models", "tools"}; with --load {"agent", "capabilities",
    "cost", "running", "max_sessions", "waiting", "success", "p95", "breaker", "queue", "workers", "backlog"}.
    """
    client = await connected(context)
    if load:
        loads = await client.agent_loads()
        printing.listing(loads, loads_table, "The workers serve no agents.", json=json)
        return
    printing.listing(await client.agents(), _agents_table, "The workers serve no agents.", json=json)


def sessions_list(found: Sequence[SessionInfo], width: int) -> Text:
    """Return one line for each session, or two where a line would not hold the message."""
    rows = [_cells(info) for info in found]
    names = [name for name in rows[0] if name in _ALWAYS or any(row[name] for row in rows)]
    widths = {name: max(map(cell_len, (name, *(row[name] for row in rows)))) for name in names}
    before = sum(widths[name] + 2 for name in names if name != "message")
    wide = before + _MESSAGE <= width
    if wide and "message" in names:
        widths["message"] = min(widths["message"], width - before)
    columns = names if wide else list(_ALWAYS)
    lines = [_line({name: name for name in columns}, widths, "bold")]
    for row in rows:
        lines.append(_line({name: row[name] for name in columns}, widths, _STYLES.get(row["status"], "")))
        if not wide:
            owners = (f"{name} {row[name]}" for name in _LABELLED if row[name])
            text = " · ".join(filter(None, (row["agent"], *owners, row["message"])))
            lines.append(_line({"": f"  {text}"}, {"": width}, "dim"))
    return Text("\n").join(lines)


def _cells(info: SessionInfo) -> dict[str, str]:
    cells = {
        "session": info.id,
        "status": info.status,
        "turns": str(info.turns),
        "cost": f"${info.cost:.4f}",
        "started": printing.since(info.started),
        "agent": info.agent,
        "app": info.app,
        "tenant": info.tenant,
        "user": info.user,
        "message": info.message,
    }
    return {name: printing.shown(" ".join(text.split())) for name, text in cells.items()}


def _line(cells: dict[str, str], widths: dict[str, int], style: str) -> Text:
    line = Text(style=style)
    for name, text in cells.items():
        cell = Text(text)
        cell.truncate(widths[name], overflow="ellipsis")
        cell.align("right" if name in _NUMBERS else "left", widths[name])
        line.append_text(cell).append("  ")
    line.rstrip()
    return line


def _agents_table(found: Sequence[AgentInfo]) -> Table:
    table = _table("agent", "description", "models", "tools")
    for info in found:
        printing.add_row(table, info.name, info.description, ", ".join(info.models), ", ".join(info.tools))
    return table


def loads_table(found: Sequence[AgentLoad]) -> Table:
    """Return a table of what agents do now; ``-`` for what is not counted or not known."""
    numbers = ("running", "waiting", "success", "p95", "workers")
    table = printing.table(
        "agent", "capabilities", "cost", *numbers[:4], "breaker", "queue", "workers", right=numbers
    )
    for each in found:
        most = f" of {each.max_sessions}" if each.max_sessions else ""
        cells = (
            each.agent,
            ", ".join(each.capabilities) or "-",
            each.cost or "-",
            "-" if each.running is None else f"{each.running}{most}",
            "-" if each.waiting is None else str(each.waiting),
            "-" if each.success is None else f"{each.success:.0%}",
            "-" if each.p95 is None else f"{each.p95:.1f} s",
            each.breaker,
            each.queue,
            str(each.workers),
        )
        printing.add_row(table, *cells)
    return table


def _table(*columns: str) -> Table:
    """Return a table whose names wrap, but do not fill the line."""
    table = printing.table(*columns, wrap=("agent", "description", "models", "tools"))
    for column in table.columns:
        column.ratio = None
    return table
