"""``prompt``: the contents of each model call's prompt, what was left out, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ..common import printing
from ..common.execution import command
from ..common.options import Json, SessionId, argument
from ..debugging.bundles import readable

if TYPE_CHECKING:
    from rich.console import Console

    from holdfast_client.debugging.imported import ImportedSession
    from holdfast_client.session import Session
    from holdfast_workflows.contracts.session.entries import Entry
    from holdfast_workflows.contracts.session.manifests import Manifest, ManifestItem

_HEAD = 400
"""Characters printed of an entry that was cut in the prompt."""


@command
async def prompt(
    context: typer.Context,
    session: SessionId,
    step: Annotated[str, argument("[STEP]", "One step: 3, or 2.3 for the third of turn 2.")] = "",
    text: Annotated[bool, typer.Option("--text", help="With STEP: print the texts of the prompt.")] = False,
    json: Json = False,
) -> None:
    """Show the prompts of a session's model calls.

    With STEP, every part of one.

    With --json: the manifest, one line each: {"session", "seq", "turn", "step", "model", "context_window",
    "reserve", "budget", "estimated", "reported", "ratio", "strategies", "items", "at", "spec",
    "instructions" (with STEP)}, each item {"part", "shown", "tokens", "saved", "start", "stop", "count", "why"}.
    """
    position = _position(step)
    if text and position is None:
        raise typer.BadParameter("--text needs a STEP")
    handle, _ = await readable(context, session)
    if position is None:
        found = [manifest async for manifest in handle.prompts()]
        printing.listing(found, _table, "The session has no manifests.", json=json)
        return
    turn, number = position
    manifest = await handle.prompt(number, turn=turn)
    if json:
        printing.document(manifest)
    elif text:
        await _print_texts(printing.out(), handle, manifest)
    else:
        _print_parts(printing.out(), manifest)


def _position(step: str) -> tuple[int | None, int] | None:
    """Return the turn, if given, and the step; None for all."""
    if not step:
        return None
    turn, dot, number = step.rpartition(".")
    if not number.isdecimal() or (dot and not turn.isdecimal()):
        raise typer.BadParameter(f"{step!r} is not a step; give a number, or turn and step like 2.3")
    return (int(turn) if dot else None, int(number))


def _table(found: Sequence[Manifest]) -> Table:
    columns = ("step", "model", "prompt", "budget", "full", "changes")
    table = printing.table(*columns, right=columns[2:5], wrap=("changes",))
    for each in found:
        tokens = each.reported or each.estimated
        full = f"{100 * tokens / each.budget:.0f} %" if each.budget else ""
        cells = (f"{each.turn}.{each.step}", each.model, f"{tokens:,}", f"{each.budget:,}", full)
        printing.add_row(table, *cells, _changes(each), style="magenta" if each.strategies else "")
    return table


def _print_parts(console: Console, found: Manifest) -> None:
    counted = f"{found.reported:,} counted" if found.reported else "not counted by the provider"
    console.print(
        f"{found.session}: turn {found.turn}, step {found.step}, {found.model}\n"
        f"window {found.context_window:,}, reserve {found.reserve:,}, budget {found.budget:,}; "
        f"{found.estimated:,} tokens estimated at a ratio of {found.ratio:.2f}, {counted}",
        markup=False,
    )
    columns = ("part", "shown", "tokens", "saved", "entries", "why")
    table = printing.table(*columns, right=columns[2:5], wrap=("why",))
    for each in found.items:
        cells = (each.part, each.shown.replace("_", " "), f"{each.tokens:,}", f"{each.saved:,}", _range(each))
        style = {"cut": "magenta", "left_out": "red"}.get(each.shown, "")
        printing.add_row(table, *cells, each.why, style=style)
    console.print(table)


async def _print_texts(console: Console, session: Session | ImportedSession, found: Manifest) -> None:
    """Print the log entries that the prompt contains, in order."""
    entries: dict[int, Entry] = {}
    first = min((each.start for each in found.items if each.stop), default=found.seq)
    async for entry in session.transcript(first):
        if entry.seq >= found.seq:
            break
        entries[entry.seq] = entry
    shown = _entries_of_items(found, entries)
    for at, each in enumerate(found.items):
        note = f"{each.tokens:,} tokens" + (f"; {each.why}" if each.why else "")
        if not each.stop:
            console.print(f"[dim]--- {each.part}: {printing.plain_cell(note)}[/]")
            if each.part == "instructions" and found.instructions:
                console.print(printing.shown(found.instructions), markup=False)
        elif each.shown == "left_out":
            console.print(f"[red]--- {each.part} {_range(each)} left out: {printing.plain_cell(each.why)}[/]")
        else:
            for entry in shown[at]:
                console.print(f"[dim]--- {each.part} {entry.seq}: {entry.kind}[/]")
                console.print(_entry_text(entry, each), markup=False)


def _entries_of_items(found: Manifest, entries: dict[int, Entry]) -> list[list[Entry]]:
    """Return the entries of each item.

    An item has a range and a number of entries, and ranges overlap. Of the entries in several ranges,
    the longest were cut and the oldest were left out.
    """
    rest = dict(entries)
    shown: list[list[Entry]] = [[] for _ in found.items]
    for at, each in sorted(enumerate(found.items), key=lambda pair: (pair[1].shown != "cut", pair[1].count)):
        if each.shown == "left_out":
            continue
        fit = [entry for entry in rest.values() if each.start <= entry.seq < each.stop and _is(each, entry)]
        if each.shown == "cut":
            fit.sort(key=lambda entry: len(entry.text))
        shown[at] = sorted(fit[-each.count :], key=lambda entry: entry.seq)
        for entry in shown[at]:
            del rest[entry.seq]
    return shown


def _is(item: ManifestItem, entry: Entry) -> bool:
    if item.part in {"memory", "summary"}:
        return entry.kind == item.part
    return entry.kind not in {"memory", "summary"}


def _entry_text(entry: Entry, item: ManifestItem) -> str:
    calls = [f"→ {call.name} {call.arguments}" for call in entry.calls] if entry.kind == "reply" else []
    text = printing.shown("\n".join(filter(None, (entry.text, *calls))))
    return text if item.shown == "whole" or len(text) <= _HEAD else f"{text[:_HEAD]} … ({item.why})"


def _changes(found: Manifest) -> str:
    left = sum(each.count for each in found.items if each.shown == "left_out")
    cut = sum(each.count for each in found.items if each.shown == "cut")
    counts = [f"{number:,} {word}" for number, word in ((cut, "cut"), (left, "left out")) if number]
    return ", ".join((*(each.replace("_", " ") for each in found.strategies), *counts))


def _range(each: ManifestItem) -> str:
    if not each.stop:
        return ""
    return str(each.start) if each.stop == each.start + 1 else f"{each.start}-{each.stop - 1}"
