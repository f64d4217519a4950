"""``monitor``: what to do about the deployment, and the changes that the monitor made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Limit, argument, duration
from ..inbox.answers import By, login

if TYPE_CHECKING:
    from holdfast_workflows.contracts.operations.monitor import MonitorReport

monitor = typer.Typer(no_args_is_help=True, help="Watch the deployment, and get recommendations.")


@monitor.command()
@command
async def start(
    context: typer.Context,
    every: Annotated[str, typer.Option(metavar="DURATION", help="The interval of its runs.")] = "1m",
    apply: Annotated[
        bool, typer.Option("--apply", help="Apply recommendations that are safe and can be reverted.")
    ] = False,
    json: Json = False,
) -> None:
    """Start the monitor, or change its settings.

    With --json: {"every", "apply"}, the interval in seconds.
    """
    interval = duration(every)
    await (await connected(context)).monitor.start(interval, apply=apply)
    text = f"the monitor runs every {every}" + (" and applies what is safe" if apply else "")
    printing.result({"every": interval.total_seconds(), "apply": apply}, text, json=json)


@monitor.command()
@command
async def stop(context: typer.Context, json: Json = False) -> None:
    """Stop the monitor. Its changes stay.

    With --json: {"stopped"}.
    """
    stopped = await (await connected(context)).monitor.stop()
    text = "the monitor is stopped" if stopped else "the monitor was not started"
    printing.result({"stopped": stopped}, text, json=json)


@monitor.command()
@command
async def show(context: typer.Context, limit: Limit = 1, json: Json = False) -> None:
    """Show its last recommendations and changes.

    With --json: one line each, {"at", "apply", "recommendations", "changes", "analyses", "baseline",
    "errors"}.
    """
    found = await (await connected(context)).monitor.reports(limit=limit)
    none = (
        "No report yet. Each run writes one; if none runs, start the monitor with `holdfast monitor start`."
    )
    printing.listing(found, _list, none, json=json)


@monitor.command()
@command
async def revert(
    context: typer.Context,
    id: Annotated[str, argument("ID", "The change, as show lists it.")],
    by: By = "",
    json: Json = False,
) -> None:
    """Revert a change of the monitor, which then makes none for a day.

    With --json: the change.
    """
    change = await (await connected(context)).monitor.revert(id, by=by or login())
    printing.result(change, f"maintenance runs every {change.before:g} s again", json=json)


def _list(reports: Sequence[MonitorReport]) -> Text:
    return printing.blocks(
        (printing.when(each.at), _summary(each), "\n".join((*_recommended(each), *_notes(each))))
        for each in reports
    )


def _summary(report: MonitorReport) -> str:
    count = len(report.recommendations)
    found = f"{count} recommendation{'s' if count > 1 else ''}" if count else "nothing to recommend"
    return f"{found} · applies what is safe" if report.apply else found


def _recommended(report: MonitorReport) -> Iterator[str]:
    for each in report.recommendations:
        yield f"{each.kind} of {each.subject} since {printing.when(each.since)}: {each.why}. Do: {each.action}"


def _notes(report: MonitorReport) -> Iterator[str]:
    for each in report.changes:
        end = "reverted" if each.reverted else f"revert it with: holdfast monitor revert {each.id}"
        yield (
            f"changed at {printing.when(each.at)}: maintenance every {each.after:g} s instead of "
            f"{each.before:g} s, because {each.why}; {end}"
        )
    for part, error in report.errors.items():
        yield f"{part} could not be read: {error}"
