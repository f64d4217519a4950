"""``fleet``: one agent over many items."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, cast

import typer
from rich.text import Text

from holdfast_workflows.contracts import exits

from ..common import printing
from ..common.execution import command, connected, fail
from ..common.options import AgentName, Json, Limit, Tenant, User, argument

if TYPE_CHECKING:
    from holdfast_client.teams.fleet import Fleet
    from holdfast_client.teams.fleet_result import FleetResult
    from holdfast_client.teams.fleets import FleetInfo
    from holdfast_workflows.contracts.teams.fleets import FleetReport, ItemStatus

fleet = typer.Typer(no_args_is_help=True, help="Run one agent over many items.")

FleetId = Annotated[str, argument("FLEET", "The fleet's id.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", metavar="FILE", help="Write the results as JSON lines to a file.", show_default=False
    ),
]


@fleet.command()
@command
async def run(
    context: typer.Context,
    agent: AgentName,
    items: Annotated[Path, argument("ITEMS.JSONL", "One JSON text or object on each line.")],
    *,
    message: Annotated[
        str | None, typer.Option(help="The message for each item, with {name} for its field of that name.")
    ] = None,
    id: Annotated[
        str | None, typer.Option(help="The fleet's id; the same id again is the same fleet.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=500, help="How many items run at once.")] = 10,
    tokens: Annotated[int, typer.Option(min=0, help="Tokens that all items share.", show_default=False)] = 0,
    dollars: Annotated[
        float, typer.Option(min=0, help="US dollars that all items share.", show_default=False)
    ] = 0.0,
    max_steps: Annotated[
        int | None, typer.Option(min=1, help="The maximum number of model calls per item.")
    ] = None,
    tenant: Tenant = "",
    user: User = "",
    wait: Annotated[bool, typer.Option(help="Wait for the end.")] = True,
    output: Output = None,
    json: Json = False,
) -> None:
    """Run an agent on each line of a file.

    With --json: the report, as of status.
    """
    from holdfast_workflows.contracts.agent.budget import Budget

    client = await connected(context)
    limits = {name: value for name, value in (("tokens", tokens), ("dollars", dollars)) if value}
    started = await client.fleets.start(
        agent,
        items,
        message=message,
        id=id,
        concurrency=concurrency,
        budget=Budget(**cast("dict[str, Any]", limits)) if limits else None,
        max_steps=max_steps,
        tenant=tenant,
        user=user,
    )
    if not wait:
        return _print(await started.report(), json=json)
    report = await _follow(started)
    if output is not None:
        await _write(started, output, None)
    _print(report, json=json)
    _exit_by(report)
    return None


@fleet.command("list")
@command
async def list_(
    context: typer.Context,
    agent: Annotated[str | None, typer.Option(help="Only fleets of this agent.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only fleets of this tenant.")] = None,
    user: Annotated[str | None, typer.Option(help="Only fleets with this user.")] = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List fleets, newest first.

    With --json: one line each, {"id", "agent", "tenant", "user", "status", "started", "ended"}.
    """
    found = (await connected(context)).fleets.list(agent=agent, tenant=tenant, user=user, limit=limit)
    printing.listing([each async for each in found], _list, "There are no such fleets.", json=json)


@fleet.command()
@command
async def status(
    context: typer.Context,
    fleet: FleetId,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until the end.")] = False,
    json: Json = False,
) -> None:
    """Show how far a fleet is.

    With --json: {"fleet", "agent", "status", "reason", "total", "pending", "running", "done",
    "failed", "cancelled", "retried", "usage", "budget", "errors", "tenant", "user", "started", "ended"}.
    """
    handle = (await connected(context)).fleets.get(fleet)
    report = await (_follow(handle) if wait else handle.report())
    _print(report, json=json)


@fleet.command()
@command
async def pause(
    context: typer.Context,
    fleet: FleetId,
    reason: Annotated[str, typer.Option(help="The reason; shown in the report.")] = "",
    json: Json = False,
) -> None:
    """Start no further items; those that run continue.

    With --json: the report.
    """
    _print(await (await connected(context)).fleets.get(fleet).pause(reason), json=json)


@fleet.command()
@command
async def resume(
    context: typer.Context,
    fleet: FleetId,
    tokens: Annotated[int, typer.Option("--add-tokens", min=0, help="Additional tokens.")] = 0,
    dollars: Annotated[float, typer.Option("--add-dollars", min=0, help="Additional US dollars.")] = 0.0,
    json: Json = False,
) -> None:
    """Start items again, after a pause or with a higher budget.

    With --json: the report.
    """
    handle = (await connected(context)).fleets.get(fleet)
    if tokens or dollars:
        report = await handle.raise_budget(tokens=tokens, dollars=dollars)
        if report.status == "paused":
            report = await handle.resume()
    else:
        report = await handle.resume()
    _print(report, json=json)


@fleet.command()
@command
async def retry(context: typer.Context, fleet: FleetId, json: Json = False) -> None:
    """Try the failed items again, also after the fleet's end, and then the cancelled ones, too.

    With --json: the report.
    """
    _print(await (await connected(context)).fleets.get(fleet).retry(), json=json)


@fleet.command()
@command
async def cancel(
    context: typer.Context,
    fleet: FleetId,
    reason: Annotated[str, typer.Option(help="The reason.")] = "",
    json: Json = False,
) -> None:
    """Cancel a fleet and wait until the calls of its sessions are settled or undone.

    With --json: the report.
    """
    _print(await (await connected(context)).fleets.get(fleet).cancel(reason), json=json)


@fleet.command()
@command
async def results(
    context: typer.Context,
    fleet: FleetId,
    status: Annotated[  # its values are those of ItemStatus
        str, typer.Option(help="Only items that are pending, running, done, failed or cancelled.")
    ] = "",
    output: Output = None,
) -> None:
    """Print the results as JSON lines, in the order of the items.

    Each line: {"id", "status", "text", "output", "error", "session", "attempts", "usage", "seconds"}.
    """
    await _write((await connected(context)).fleets.get(fleet), output, status)


async def _write(fleet: Fleet, path: Path | None, status: str | None) -> None:
    from holdfast_client.files import written  # it imports Temporal

    wanted = cast("ItemStatus | None", _checked(status or ""))
    if path is None:
        async for result in fleet.results(status=wanted):
            printing.document(result)
        return
    with written(path) as file:
        async for result in fleet.results(status=wanted):
            _line(file, result)


def _line(file: TextIO, result: FleetResult) -> None:
    file.write(result.model_dump_json() + "\n")


def _checked(status: str) -> str | None:
    from holdfast_workflows.contracts.teams.fleets import LETTERS

    if status and status not in LETTERS.values():
        raise typer.BadParameter(f"{status!r} is not one of {', '.join(LETTERS.values())}")
    return status or None


async def _follow(fleet: Fleet) -> FleetReport:
    """Show progress on standard error until the end."""
    console, where = printing.err(), shlex.quote(fleet.id)
    report: FleetReport | None = None
    try:
        with console.status(fleet.id) as spinner:
            async for report in fleet.watch():
                spinner.update(printing.shown(f"{fleet.id}: {_counts(report)}"))
                if report.status == "paused" and console.quiet:
                    sys.stderr.write(f"{fleet.id} is paused: {printing.shown(report.reason)}\n")
    except asyncio.CancelledError:  # Ctrl-C ends the waiting, not the work
        printing.note(
            f"{fleet.id} continues: `holdfast fleet status {where} --wait`, or `holdfast fleet cancel {where}`"
        )
        raise
    assert report is not None
    return report


def _counts(report: FleetReport) -> str:
    ended = report.done + report.failed + report.cancelled
    others = "".join(
        f", {number:,} {name}"
        for name, number in (
            ("running", report.running),
            ("failed", report.failed),
            ("cancelled", report.cancelled),
        )
        if number
    )
    reason = f" ({report.reason})" if report.reason else ""
    return f"{report.status}{reason}, {ended:,} of {report.total:,}{others}, {printing.money(report.usage)}"


def _list(found: Sequence[FleetInfo]) -> Text:
    return printing.blocks(
        (each.id, f"{each.status}  {each.agent}  {each.tenant}  {printing.since(each.started)}", "")
        for each in found
    )


def _print(report: FleetReport, *, json: bool) -> None:
    printing.result(report, _shown([report]), json=json)


def _shown(reports: Sequence[FleetReport]) -> Text:
    return printing.blocks(
        (
            each.fleet,
            f"{each.agent}  {_counts(each)}",
            "\n".join(
                f"{error.count:,} × {error.code}: {error.message} ({error.session})" for error in each.errors
            ),
        )
        for each in reports
    )


def _exit_by(report: FleetReport) -> None:
    """Fail if an item is not done."""
    if report.done < report.total:
        where = shlex.quote(report.fleet)
        fail(
            f"{report.total - report.done:,} of {report.total:,} items are not done; `holdfast fleet retry {where}` tries them again",
            exits.FAILED,
        )
