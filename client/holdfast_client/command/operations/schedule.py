"""``schedule``: tasks by cron or at an interval."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from ..common import printing
from ..common.execution import command, connected
from ..common.options import AgentName, Json, Tenant, User, argument

if TYPE_CHECKING:
    from holdfast_workflows.contracts.operations.schedules import ScheduleView

schedule = typer.Typer(no_args_is_help=True, help="Run tasks by cron or at an interval.")

ScheduleId = Annotated[str, argument("SCHEDULE", "The schedule's id.")]
Note = Annotated[str, typer.Option(help="A text for people.")]


@schedule.command()
@command
async def create(
    context: typer.Context,
    id: ScheduleId,
    agent: AgentName,
    message: Annotated[
        str, argument("MESSAGE", "The message of each task; {scheduled_at}, {date} and {time} are filled in.")
    ],
    *,
    cron: Annotated[
        str | None, typer.Option(help='When: "minute hour day month weekday".', show_default=False)
    ] = None,
    every: Annotated[
        float | None, typer.Option(help="Seconds between tasks, instead of --cron.", show_default=False)
    ] = None,
    time_zone: Annotated[str, typer.Option(help="Of --cron and of the times in the message.")] = "UTC",
    overlap: Annotated[
        Literal["skip", "buffer_one", "buffer_all", "cancel_other", "allow_all"],
        typer.Option(help="What happens while an earlier task runs."),
    ] = "skip",
    jitter: Annotated[float, typer.Option(min=0, help="A random delay of each start, in seconds.")] = 0.0,
    paused: Annotated[bool, typer.Option("--paused", help="Begin paused.")] = False,
    note: Note = "",
    max_steps: Annotated[
        int | None, typer.Option(min=1, help="The maximum number of model calls per task.")
    ] = None,
    tenant: Tenant = "",
    user: User = "",
    json: Json = False,
) -> None:
    """Start a task of an agent again and again.

    The same id again replaces the schedule. Each task is a session with the id `ID-TIME`.

    With --json: the schedule, as of show.
    """
    view = await (await connected(context)).schedule(
        id,
        agent,
        message,
        cron=cron,
        every=None if every is None else timedelta(seconds=every),
        time_zone=time_zone,
        overlap=overlap,
        jitter=timedelta(seconds=jitter),
        paused=paused,
        note=note,
        max_steps=max_steps,
        tenant=tenant,
        user=user,
    )
    _print(view, json=json)


@schedule.command("list")
@command
async def list_schedules(
    context: typer.Context,
    agent: Annotated[str | None, typer.Option(help="Only schedules of this agent.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only schedules of this tenant.")] = None,
    json: Json = False,
) -> None:
    """List the schedules.

    With --json: one line each, as of show.
    """
    found = await (await connected(context)).schedules.list(agent=agent, tenant=tenant)
    printing.listing(found, _table, "There are no schedules.", json=json)


@schedule.command()
@command
async def show(context: typer.Context, id: ScheduleId, json: Json = False) -> None:
    """Show a schedule with its next and its newest tasks.

    With --json: {"id", "agent", "message", "when", "time_zone", "paused", "next", "recent", …}.
    """
    _print(await (await connected(context)).schedules.show(id), json=json)


@schedule.command()
@command
async def pause(context: typer.Context, id: ScheduleId, note: Note = "", json: Json = False) -> None:
    """Start no more tasks.

    With --json: the schedule, as of show.
    """
    _print(await (await connected(context)).schedules.pause(id, note=note), json=json)


@schedule.command()
@command
async def resume(context: typer.Context, id: ScheduleId, note: Note = "", json: Json = False) -> None:
    """Start tasks again.

    With --json: the schedule, as of show.
    """
    _print(await (await connected(context)).schedules.resume(id, note=note), json=json)


@schedule.command()
@command
async def trigger(context: typer.Context, id: ScheduleId, json: Json = False) -> None:
    """Start a task now.

    With --json: the schedule, as of show.
    """
    _print(await (await connected(context)).schedules.trigger(id), json=json)


@schedule.command()
@command
async def delete(context: typer.Context, id: ScheduleId) -> None:
    """Delete a schedule; a running task goes on."""
    await (await connected(context)).schedules.delete(id)
    printing.result(None, f"{id}: deleted", json=False)


def _print(view: ScheduleView, *, json: bool) -> None:
    state = f"paused ({view.note})" if view.paused else "active"
    lines = [
        f"{view.id}: {view.agent}, {view.when} ({view.time_zone}), {state}",
        f"message: {view.message}",
        *(f"next: {printing.when(at)}" for at in view.next[:3]),
        *(f"started: {printing.when(run.scheduled_at)}  {run.session}" for run in view.recent[-3:]),
    ]
    printing.result(view, "\n".join(lines), json=json)


def _table(found: Sequence[ScheduleView]) -> Table:
    table = printing.table("id", "agent", "when", "time zone", "state", "next", "tasks", right=("tasks",))
    for each in found:
        following = printing.when(each.next[0]) if each.next and not each.paused else ""
        state = "paused" if each.paused else "active"
        printing.add_row(
            table, each.id, each.agent, each.when, each.time_zone, state, following, str(each.started)
        )
    return table
