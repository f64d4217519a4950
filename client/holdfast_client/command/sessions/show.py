"""``watch`` and ``show`` one session."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ..common import execution, printing
from ..common.options import Json, SessionId
from ..common.screen import Screen
from ..operations import budgets, effects

if TYPE_CHECKING:
    from rich.console import Console

    from holdfast_client.client import Client
    from holdfast_workflows.contracts.session.entries import Entry
    from holdfast_workflows.contracts.session.session import SessionView


def watch(context: typer.Context, session: SessionId, json: Json = False) -> None:
    """Follow a session, turn after turn, until it is closed.

    With --json: one line an event; "kind" tells which.
    """

    async def work(client: Client) -> None:
        console = printing.out()
        screen = Screen(console, requests=True, session=session)
        found = client.session(session)
        if not json:
            view = await found.view()
            console.print(
                f"[dim]{escape(view.agent)} · {view.status} · {printing.count(view.turn, 'turn')}[/]"
            )
            if link := printing.link(client, session):
                console.print(f"[dim]{link}[/]")
        async for event in found.watch():
            if json:
                printing.document(event)
            else:
                screen.show(event)
        screen.end()

    execution.run(context, work, json=json)


def show(
    context: typer.Context,
    session: SessionId,
    full: Annotated[bool, typer.Option("--full", help="Show long texts whole.")] = False,
    json: Json = False,
) -> None:
    """Show every message, step and tool result of a session.

    With --json: one line an entry, whole; "kind" is "user", "reply", "result", "memory" or
    "summary".
    """

    async def work(client: Client) -> None:
        found = client.session(session)
        view = None if json else await found.view()
        table, newest = _table(), 0.0
        async for entry in found.transcript() if full or json else found.log():
            newest = max(newest, entry.at)
            if json:
                printing.document(entry)
            else:
                _row(table, entry, full=full)
        if view is None:
            return
        console = printing.out()
        console.print(f"[bold]{escape(view.session)}[/] {escape(view.agent)} · {view.status}", style="")
        when = (
            f" · last entry {datetime.fromtimestamp(newest).astimezone():%Y-%m-%d %H:%M:%S}" if newest else ""
        )
        console.print(f"[dim]{printing.count(view.turn, 'turn')} · {printing.money(view.usage)}{when}[/]")
        if link := printing.link(client, session):
            console.print(f"[dim]{link}[/]")
        _print_state(console, view)
        console.print(table)
        _print_error(console, view)

    execution.run(context, work, json=json)


def _print_state(console: Console, view: SessionView) -> None:
    """Print budget, memory and waits, with the commands that resolve them."""
    if limits := budgets.in_words(view):
        console.print(f"[dim]budget: {limits}[/]")
    _print_memory(console, view)
    if view.waiting_for:
        console.print(f"[yellow]waits: {printing.plain_cell(view.waiting_for)}[/]")
    for each in view.pending_decisions:
        console.print(f"[bold yellow]waits for a person: {printing.plain_cell(each.what)}[/]")
        for command in effects.to_type(view.session, each.id, each.kind):
            console.print(f"  {escape(command)}")


def _print_memory(console: Console, view: SessionView) -> None:
    """Print plan, notes, recalled memories, and how full the prompt is."""
    if view.memory:
        console.print(f"[dim]memory: {printing.plain_cell(view.memory)}[/]")
    if view.context:
        console.print(f"[dim]context: {view.context} % of what a prompt has room for[/]")
    for item in view.plan:
        tick = {"done": "x", "dropped": "-", "doing": ">"}.get(item.status, " ")
        console.print(f"  {escape(f'[{tick}]')} {printing.plain_cell(item.text)}")
    if view.notes:
        console.print(f"[dim]notes: {printing.plain_cell(view.notes)}[/]")


def _print_error(console: Console, view: SessionView) -> None:
    """Print why the last turn failed or was cancelled."""
    from holdfast_workflows.contracts.problems import error_of

    last = view.last
    if last is not None and last.error is not None:
        message = printing.sentence(error_of(last.error))
        console.print(f"[red]turn {last.turn} {last.status}: {printing.plain_cell(message)}[/]")


def _table() -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("turn", "step"):
        table.add_column(column, justify="right")
    table.add_column("who")
    table.add_column("what", overflow="fold", ratio=1)
    for column in ("in", "out", "cost", "s"):
        table.add_column(column, justify="right")
    return table


def _row(table: Table, entry: Entry, *, full: bool) -> None:
    from holdfast_workflows.contracts.text.unicode import preview

    def text(value: str) -> str:
        return escape(printing.shown(value if full else preview(value)))

    at = (str(entry.turn), str(entry.step or ""))
    match entry.kind:
        case "user":
            table.add_row(
                *at, {"message": "user"}.get(entry.role, entry.role), text(entry.text), style="bold"
            )
        case "reply":
            calls = [text(f"→ {call.name} {call.arguments}") for call in entry.calls]
            texts = [text(entry.text)] if entry.text else []
            usage = entry.usage
            figures = (f"{usage.input_tokens:,}", f"{usage.output_tokens:,}", f"${usage.cost:.4f}")
            table.add_row(
                *at, escape(entry.model), "\n".join([*texts, *calls]), *figures, f"{entry.seconds:.1f}"
            )
        case "result":
            status = "" if entry.status == "ok" else f"{entry.status}: "
            what = text(f"{status}{entry.text}")
            table.add_row(*at, escape(entry.name), what, "", "", "", f"{entry.seconds:.1f}", style="dim")
        case "memory":
            table.add_row(*at, "memory", text(entry.text), style="dim")
        case "summary":
            covers = f"entries {entry.start:,} to {entry.stop - 1:,}: "
            table.add_row(*at, "summary", text(covers + entry.text), style="dim")
