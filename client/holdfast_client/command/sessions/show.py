"""``watch`` and ``show`` one session."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, SessionId
from ..common.screen import Screen
from ..debugging import debug
from ..debugging.bundles import readable
from ..inbox import answers
from ..operations import budgets
from ..teams import tree
from .turns import Turns

if TYPE_CHECKING:
    from rich.console import Console

    from holdfast_client.client import Client
    from holdfast_client.debugging.imported import ImportedSession
    from holdfast_client.session import Session
    from holdfast_workflows.contracts.session.session import SessionView, TurnView


_ENDED: Final = frozenset({"failed", "cancelled"})
_NO_WAITS: Final = {"waiting_for": "", "inbox": ()}
_SOON: Final = 10.0
"""Seconds for the result of an ended session."""


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
    """Show how each turn ended, and what was said and done.

    With --json: one line for each turn, then one for each entry, in full; "kind" is "turn", "user",
    "reply", "result", "memory" or "summary".
    """
    handle, client = await readable(context, session)
    found, removed = await _turns(handle)
    if json:
        await _documents(handle, found)
        return
    view = await handle.view(0)
    status = await _status(client, view)
    console = printing.out()
    console.print(f"[bold]{escape(view.session)}[/] · {escape(view.agent)} · {status}")
    if status in _ENDED:
        found, view = [_ended(turn) for turn in found], view.model_copy(update=_NO_WAITS)
    if client is None:
        console.print("[dim]imported; as it was when it was exported[/]")
    elif status in _ENDED and not (found and found[-1].error):
        await _print_reason(console, client, session)
    _print_facts(console, view, removed)
    if client is not None:
        await _print_links(console, client, session)
    _print_state(console, view)
    if view.parent:
        console.print(f"[dim]works for {escape(view.parent)}: holdfast tree {escape(view.parent)}[/]")
    if view.team is not None and client is not None:
        tree.draw(console, (await client.session(session).tree()).part(session))
    turns = Turns(console, found, view.events, full=full)
    async for entry in handle.transcript() if full else handle.log():
        turns.add(entry)
    turns.end()


async def _documents(handle: Session | ImportedSession, turns: Sequence[TurnView]) -> None:
    for turn in turns:
        printing.document({"kind": "turn", **printing.plain(turn)})
    async for entry in handle.transcript():
        printing.document(entry)


def _ended(turn: TurnView) -> TurnView:
    """Return a turn that ended with its session, which a terminated session does not know."""
    running = turn.status in {"queued", "running"}
    return turn.model_copy(update={"status": "cancelled"}) if running else turn


async def _print_reason(console: Console, client: Client, session: str) -> None:
    """Print why a session ended: its workflow failed, timed out or was terminated."""
    from holdfast_workflows.contracts.errors import HoldfastError  # it imports Temporal

    try:
        await client.session(session).result(timeout=_SOON)
    except HoldfastError as error:
        printing.indented(console, printing.sentence(error), style="red")


async def _print_links(console: Console, client: Client, session: str) -> None:
    """Print the links to the session, and to the last turn's trace, whose id is in the history."""
    if link := printing.link(client, session):
        console.print(f"[dim]{link}[/]")
    if not printing.trace_link("any"):
        return
    for turn in (await client.session(session).trace(last=1)).turns:
        console.print(f"[dim]trace of turn {turn.turn}: {escape(printing.trace_link(turn.trace_id))}[/]")


async def _turns(handle: Session | ImportedSession) -> tuple[list[TurnView], str]:
    """Return the turns of a session, and what retention has removed of it."""
    from holdfast_client.debugging.imported import ImportedSession
    from holdfast_workflows.contracts.errors import ServiceError, SessionNotFound  # it imports Temporal
    from holdfast_workflows.contracts.operations.retention import removed_in_words

    if isinstance(handle, ImportedSession):
        return [turn async for turn in handle.turns()], ""
    turns: list[TurnView] = []
    missing = None
    try:
        turns = [turn async for turn in handle.turns()]
    except SessionNotFound as error:
        missing = error
    try:
        # Only a worker knows whether a session existed, and the server deletes its history some time later.
        removed = await handle.removed()
    except ServiceError:
        if missing is not None:
            raise missing from None
        raise
    if missing is not None and not removed:
        raise missing
    if missing is not None or any(each.kind == "session" for each in removed):
        raise SessionNotFound(f"{handle.id}: retention removed {removed_in_words(removed)}") from missing
    return turns, removed_in_words(removed)


def _print_facts(console: Console, view: SessionView, removed: str) -> None:
    console.print(f"[dim]{printing.count(view.turn, 'turn')} · {printing.money(view.usage)}[/]")
    if view.started_by:
        console.print(f"[dim]started by {escape(view.started_by)}, tenant {escape(view.tenant) or '-'}[/]")
    if mode := debug.in_words(view):
        console.print(f"[yellow]{escape(mode)}: holdfast debug {escape(shlex.quote(view.session))}[/]")
    if removed:
        console.print(f"[dim]removed by retention: {removed}[/]")


async def _status(client: Client | None, view: SessionView) -> str:
    """Return the session's status, also of one that was terminated while it ran."""
    if client is None:
        return view.status
    from holdfast_workflows.contracts.operations.sessions import ENDED  # it imports Temporal

    found = await client.temporal.get_workflow_handle(view.session).describe()
    return view.status if found.status is None else ENDED.get(found.status, view.status)


def _print_state(console: Console, view: SessionView) -> None:
    """Print budget, memory and waits, with the commands that resolve them."""
    if limits := budgets.in_words(view):
        console.print(f"[dim]budget: {limits}[/]")
    _print_memory(console, view)
    if view.waiting_for:
        printing.indented(console, f"waits: {view.waiting_for}", style="magenta")
    for each in view.inbox:
        printing.indented(console, f"waits for a person: {each.what}", style="bold magenta")
        for words in answers.commands_to_answer(view.session, each.id, each.kind):
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
        printing.indented(console, f"notes: {view.notes}", style="dim")
