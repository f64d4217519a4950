"""``memory`` erase, migrate, maintain and schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer
from rich.table import Table

from ..common import exits, printing
from ..common.execution import command, confirmed, connected
from ..common.options import Json, Tenant, argument, duration
from . import answers
from .memory import memory

__all__ = ["memory"]

if TYPE_CHECKING:
    from holdfast_workflows.contracts.agent.memory import MaintenanceReport, MaintenanceTask

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


@memory.command()
@confirmed("Erase the {kind} {id!r} permanently?")
@command
async def erase(
    context: typer.Context,
    kind: Annotated[Literal["session", "user", "tenant"], argument("session|user|tenant", "What to erase.")],
    id: Annotated[str, argument("ID", "The session's or the user's id, or the tenant.")],
    tenant: Tenant = "",
    stop: Annotated[bool, typer.Option("--stop", help="Terminate sessions that are still running.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Erase all data of a session, a user or a tenant: memories, logs and histories.

    With --json: {"memories", "entries", "sessions", "histories"}.
    """
    client = await connected(context)
    all_of_tenant = kind == "tenant"
    done = await client.memory.erase(
        kind,
        "" if all_of_tenant else id,
        tenant=id if all_of_tenant else tenant,
        by=answers.login(),
        stop=stop,
    )
    counts = (
        printing.count(done.memories, "memory", "memories"),
        printing.count(done.entries, "log entry", "log entries"),
        printing.count(done.sessions, "session"),
        f"the histories of {printing.count(done.histories, 'run')}",
    )
    printing.result(done, f"erased: {', '.join(counts)}", json=json)


@memory.command()
@confirmed("Embed every memory again?")
@command
async def migrate(context: typer.Context, yes: Yes = False, json: Json = False) -> None:
    """Embed every memory again with the workers' current embedder.

    With --json: {"memories", "model", "dimension"}.
    """
    done = await (await connected(context)).memory.migrate()
    index = f"{done.model}, dimension {done.dimension}" if done.model else "words only"
    count = printing.count(done.memories, "memory", "memories")
    printing.result(done, f"{count} embedded again: {index}", json=json)


@memory.command()
@command
async def maintain(
    context: typer.Context,
    tasks: Annotated[
        list[str] | None, argument("[TASK...]", "Only outbox, expire, consolidate, optimise or prune.")
    ] = None,
    json: Json = False,
) -> None:
    """Run maintenance now, and wait for it.

    Exits with 1 if a task failed. With --json: {"tasks"}, each {"task", "count", "seconds", "error"}.
    """
    client = await connected(context)
    report = await client.memory.maintain(*cast("list[MaintenanceTask]", tasks or []))
    printing.result(report, _report(report), json=json)
    if any(each.error for each in report.tasks):
        raise typer.Exit(exits.FAILED)


@memory.command()
@command
async def schedule(
    context: typer.Context,
    every: Annotated[
        str, typer.Option(metavar="DURATION", help="The interval: 15m, 1h, 1d; never to stop it.")
    ] = "1h",
    json: Json = False,
) -> None:
    """Run maintenance at an interval, by a schedule of the Temporal server.

    With --json: {"every"}, in seconds; 0 for never.
    """
    interval = None if every in {"never", "0"} else duration(every)
    await (await connected(context)).memory.schedule(interval)
    text = f"maintenance runs every {every}" if interval else "maintenance runs only on request"
    printing.result({"every": interval.total_seconds() if interval else 0.0}, text, json=json)


def _report(report: MaintenanceReport) -> Table:
    table = printing.table("task", "changes", "seconds", "", right=("changes", "seconds"), wrap=("",))
    for each in report.tasks:
        cells = (each.task, f"{each.count:,}", f"{each.seconds:.1f}", each.error or "done")
        printing.add_row(table, *cells, style="red" if each.error else "")
    return table
