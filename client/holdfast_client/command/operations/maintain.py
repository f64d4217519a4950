"""``maintain``: run maintenance, schedule it, and show its last runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.table import Table
from rich.text import Text

from holdfast_workflows.contracts import exits

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Limit, argument, duration

if TYPE_CHECKING:
    from holdfast_client.operations.maintenance import MaintenanceRun
    from holdfast_workflows.contracts.agent.memory import MaintenanceTask, TaskReport

maintain = typer.Typer(no_args_is_help=True, help="Run and schedule maintenance, and show its last runs.")


@maintain.command()
@command
async def run(
    context: typer.Context,
    tasks: Annotated[list[str] | None, argument("[TASK...]", "Only these tasks; all by default.")] = None,
    json: Json = False,
) -> None:
    """Run maintenance now, and wait for it.

    Exits with 1 if a task failed. With --json: {"tasks"}, each {"task", "count", "seconds", "error"}.
    """
    client = await connected(context)
    report = await client.maintenance.run(*cast("list[MaintenanceTask]", tasks or []))
    printing.result(report, _table(report.tasks), json=json)
    if any(each.error for each in report.tasks):
        raise typer.Exit(exits.FAILED)


@maintain.command()
@command
async def show(context: typer.Context, limit: Limit = 5, json: Json = False) -> None:
    """Show the last runs, the newest first.

    With --json: one line each, {"started", "ended", "scheduled", "tasks", "error"}.
    """
    found = await (await connected(context)).maintenance.runs(limit=limit)
    printing.listing(found, _list, "Maintenance has not run yet, or its histories have expired.", json=json)


@maintain.command()
@command
async def schedule(
    context: typer.Context,
    every: Annotated[
        str, typer.Option(metavar="DURATION", help="The interval: 15m, 1h, 1d; never to stop it.")
    ] = "1h",
    json: Json = False,
) -> None:
    """Run maintenance at an interval.

    A schedule of the Temporal server starts it.

    With --json: {"every"}, in seconds; 0 for never.
    """
    interval = None if every in {"never", "0"} else duration(every)
    await (await connected(context)).maintenance.schedule(interval)
    text = f"maintenance runs every {every}" if interval else "maintenance runs only on request"
    printing.result({"every": interval.total_seconds() if interval else 0.0}, text, json=json)


def _table(reports: Sequence[TaskReport]) -> Table:
    table = printing.table("task", "changes", "seconds", "", right=("changes", "seconds"), wrap=("",))
    for each in reports:
        cells = (each.task, f"{each.count:,}", f"{each.seconds:.1f}", each.error or "done")
        printing.add_row(table, *cells, style="red" if each.error else "")
    return table


def _list(runs: Sequence[MaintenanceRun]) -> Text:
    return printing.blocks(
        (
            printing.when(each.started.timestamp()),
            " · ".join(("scheduled" if each.scheduled else "by hand", _outcome(each))),
            "\n".join(_line(report) for report in each.tasks),
        )
        for each in runs
    )


def _outcome(run: MaintenanceRun) -> str:
    if run.error:
        return run.error
    if run.ended is None:
        return "runs now"
    failed = [each.task for each in run.tasks if each.error]
    took = f"{(run.ended - run.started).total_seconds():.1f} s"
    return f"{took}, failed: {', '.join(failed)}" if failed else took


def _line(report: TaskReport) -> str:
    return f"{report.task}: {report.error or f'{report.count:,} in {report.seconds:.1f} s'}"
