"""``watch`` and ``show`` one session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, SessionId
from ..common.screen import Screen
from ..operations import budgets, effects

if TYPE_CHECKING:
    from rich.console import Console

    from holdfast_workflows.contracts.session.entries import Entry
    from holdfast_workflows.contracts.session.session import SessionView


@command
async def watch(context: typer.Context, session: SessionId, json: Json = False) -> None:
    """Follow a session, turn after turn, until it is closed.

    With --json: one line for each event; "kind" is its type.
    """
    client = await connected(context)
    console = printing.out()
    screen = Screen(console, messages=True, session=session)
    handle = client.session(session)
    if not json:
        view = await handle.view()
        console.print(f"[dim]{escape(view.agent)} · {view.status} · {printing.count(view.turn, 'turn')}[/]")
        if link := printing.link(client, session):
            console.print(f"[dim]{link}[/]")
    async for event in handle.watch():
        if json:
            printing.document(event)
        else:
            screen.show(event)
    screen.end()


@command
async def show(
    context: typer.Context,
    session: SessionId,
    full: Annotated[bool, typer.Option("--full", help="Print long texts in full.")] = False,
    json: Json = False,
) -> None:
    """Show every message, step and tool result of a session.

    With --json: one line for each entry, in full; "kind" is "user", "reply", "result", "memory" or
    "summary".
    """
    client = await connected(context)
    handle = client.session(session)
    if json:
        async for entry in handle.transcript():
            printing.document(entry)
        return
    view = await handle.view()
    table, newest = _table(), 0.0
    async for entry in handle.transcript() if full else handle.log():
        newest = max(newest, entry.at)
        _add(table, entry, full=full)
    console = printing.out()
    console.print(f"[bold]{escape(view.session)}[/] {escape(view.agent)} · {view.status}")
    last = f" · last entry {printing.when(newest)}" if newest else ""
    console.print(f"[dim]{printing.count(view.turn, 'turn')} · {printing.money(view.usage)}{last}[/]")
    if link := printing.link(client, session):
        console.print(f"[dim]{link}[/]")
    _print_state(console, view)
    console.print(table)
    _print_error(console, view)


def _print_state(console: Console, view: SessionView) -> None:
    """Print budget, memory and waits, with the commands that resolve them."""
    if limits := budgets.in_words(view):
        console.print(f"[dim]budget: {limits}[/]")
    _print_memory(console, view)
    if view.waiting_for:
        console.print(f"[yellow]waits: {printing.plain_cell(view.waiting_for)}[/]")
    for each in view.pending_decisions:
        console.print(f"[bold yellow]waits for a person: {printing.plain_cell(each.what)}[/]")
        for words in effects.commands_to_resolve(view.session, each.id, each.kind):
            console.print(f"  {escape(words)}")


def _print_memory(console: Console, view: SessionView) -> None:
    """Print plan, notes, recalled memories, and how full the prompt is."""
    if view.memory:
        console.print(f"[dim]memory: {printing.plain_cell(view.memory)}[/]")
    if view.context:
        console.print(f"[dim]prompt: {view.context} % of its budget used[/]")
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
    right = ("turn", "step", "in", "out", "cost", "s")
    return printing.table(
        "turn", "step", "role", "text", "in", "out", "cost", "s", right=right, wrap=("text",)
    )


def _add(table: Table, entry: Entry, *, full: bool) -> None:
    from holdfast_workflows.contracts.text.unicode import preview

    role, text, style, numbers = str(entry.kind), entry.text, "dim", ("", "", "", "")
    match entry.kind:
        case "user":
            role, style = {"message": "user"}.get(entry.role, entry.role), "bold"
        case "reply":
            role, style, usage = entry.model, "", entry.usage
            tokens = (f"{usage.input_tokens:,}", f"{usage.output_tokens:,}")
            numbers = (*tokens, f"${usage.cost:.4f}", f"{entry.seconds:.1f}")
        case "result":
            role, text = entry.name, text if entry.status == "ok" else f"{entry.status}: {text}"
            numbers = ("", "", "", f"{entry.seconds:.1f}")
        case "summary":
            text = f"entries {entry.start:,} to {entry.stop - 1:,}: {text}"
        case "memory":
            pass
    calls = [f"→ {call.name} {call.arguments}" for call in entry.calls] if entry.kind == "reply" else []
    texts = [each if full else preview(each) for each in (text, *calls) if each]
    at = (str(entry.turn), str(entry.step or ""))
    printing.add_row(table, *at, role, "\n".join(texts), *numbers, style=style)
