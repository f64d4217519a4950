"""``memory`` erase, migrate, maintain and schedule."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer
from rich.table import Table

from ..common import execution, exits, printing
from ..common.options import Json, Tenant, duration
from . import effects
from .memory import memories, memory, say

__all__ = ["memory"]

if TYPE_CHECKING:
    from holdfast_client.client import Client
    from holdfast_workflows.contracts.agent.memory import MaintenanceReport, MaintenanceTask

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask first.")]


@memory.command()
def erase(
    context: typer.Context,
    kind: Annotated[
        Literal["session", "user", "tenant"],
        typer.Argument(metavar="session|user|tenant", help="What to erase.", show_default=False),
    ],
    id: Annotated[
        str,
        typer.Argument(metavar="ID", help="The session's or the user's id; the tenant.", show_default=False),
    ],
    tenant: Tenant = "",
    stop: Annotated[bool, typer.Option("--stop", help="End sessions that still run, at once.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Erase all data of a session, a user or a tenant: memories, logs and histories.

    With --json: {"memories", "entries", "sessions", "histories"}.
    """
    _sure(f"Erase the {kind} {id!r} for good?", yes=yes)

    async def work(client: Client) -> None:
        whole = kind == "tenant"
        done = await client.memory.erase(
            kind, "" if whole else id, tenant=id if whole else tenant, by=effects.login(), stop=stop
        )
        entries = f"{done.entries:,} log {'entry' if done.entries == 1 else 'entries'}"
        runs = printing.count(done.histories, "run")
        sessions = printing.count(done.sessions, "session")
        message = f"erased: {memories(done.memories)}, {entries}, {sessions}, the histories of {runs}"
        say(done, message, json=json)

    execution.run(context, work, json=json)


@memory.command()
def migrate(context: typer.Context, yes: Yes = False, json: Json = False) -> None:
    """Embed every memory again with the workers' current embedder.

    With --json: {"memories", "model", "dimension"}.
    """
    _sure("Embed every memory again?", yes=yes)

    async def work(client: Client) -> None:
        done = await client.memory.migrate()
        by = f"{done.model}, {done.dimension} long" if done.model else "words only"
        say(done, f"{memories(done.memories)} embedded again: {by}", json=json)

    execution.run(context, work, json=json)


@memory.command()
def maintain(
    context: typer.Context,
    tasks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TASK...]",
            help="Only outbox, expire, consolidate, optimise or prune.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Run maintenance now, and wait for it.

    Exits with 1 if a task failed. With --json: {"tasks"}, each {"task", "count", "seconds", "error"}.
    """

    async def work(client: Client) -> None:
        report = await client.memory.maintain(*cast("list[MaintenanceTask]", tasks or []))
        if json:
            printing.document(report)
        else:
            printing.out().print(_report(report))
        if any(each.error for each in report.tasks):
            raise typer.Exit(exits.FAILED)

    execution.run(context, work, json=json)


@memory.command()
def schedule(
    context: typer.Context,
    every: Annotated[
        str, typer.Option(metavar="DURATION", help="How often: 15m, 1h, 1d; never to stop it.")
    ] = "1h",
    json: Json = False,
) -> None:
    """Run maintenance at an interval, by a schedule of the Temporal server.

    With --json: {"every"}, in seconds; 0 for never.
    """
    span = None if every in {"never", "0"} else duration(every)

    async def work(client: Client) -> None:
        await client.memory.schedule(span)
        message = f"maintenance runs every {every}" if span else "maintenance runs when it is asked for"
        say({"every": span.total_seconds() if span else 0.0}, message, json=json)

    execution.run(context, work, json=json)


def _sure(question: str, *, yes: bool) -> None:
    """Ask for confirmation; without a terminal, ``--yes`` is required."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("this cannot be taken back: say --yes")
    typer.confirm(question, abort=True)


def _report(report: MaintenanceReport) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("task", "touched", "seconds"):
        table.add_column(column, justify="left" if column == "task" else "right")
    table.add_column("", overflow="fold", ratio=1)
    for each in report.tasks:
        outcome = printing.plain_cell(each.error) or "done"
        row = (each.task, f"{each.count:,}", f"{each.seconds:.1f}", outcome)
        table.add_row(*row, style="red" if each.error else "")
    return table
