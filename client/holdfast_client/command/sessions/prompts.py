"""``prompt``: the contents of each model call's prompt, what was left out, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ..common import execution, printing
from ..common.options import Json, SessionId

if TYPE_CHECKING:
    from rich.console import Console

    from holdfast_client.client import Client
    from holdfast_client.session import Session
    from holdfast_workflows.contracts.session.entries import Entry
    from holdfast_workflows.contracts.session.manifests import Manifest, ManifestItem

_HEAD = 400
"""Characters shown of an entry that the model was shown cut."""


def prompt(
    context: typer.Context,
    session: SessionId,
    step: Annotated[
        str,
        typer.Argument(
            metavar="[STEP]", help="One step: 3, or 2.3 for the third of turn 2.", show_default=False
        ),
    ] = "",
    text: Annotated[bool, typer.Option("--text", help="With STEP: print what the model was shown.")] = False,
    json: Json = False,
) -> None:
    """Show how the prompts of a session's model calls were made.

    With STEP, every part of one.

    With --json: the manifest, one line each: {"session", "seq", "turn", "step", "model", "context_window",
    "reserve", "budget", "estimated", "reported", "ratio", "strategies", "items", "at"}, each
    item {"part", "shown", "tokens", "saved", "start", "stop", "count", "why"}.
    """
    at = _position(step)
    if text and at is None:
        raise typer.BadParameter("--text shows one step: name it")

    async def work(client: Client) -> None:
        found = client.session(session)
        if at is None:
            await _all(found, json=json)
            return
        turn, number = at
        manifest = await found.prompt(number, turn=turn)
        if json:
            printing.document(manifest)
        elif text:
            await _text(printing.out(), found, manifest)
        else:
            _one(printing.out(), manifest)

    execution.run(context, work, json=json)


def _position(step: str) -> tuple[int | None, int] | None:
    """The turn, if it is named, and the step; None for all."""
    if not step:
        return None
    turn, dot, number = step.rpartition(".")
    if not number.isdecimal() or (dot and not turn.isdecimal()):
        raise typer.BadParameter(f"{step!r} is no step; it is a number, or turn and step like 2.3")
    return (int(turn) if dot else None, int(number))


async def _all(session: Session, *, json: bool) -> None:
    table = _columns("step", "model", right=("prompt", "budget", "full"), last="what was done")
    empty = True
    async for each in session.prompts():
        empty = False
        if json:
            printing.document(each)
            continue
        at = f"{each.turn}.{each.step}"
        figures = (f"{_tokens(each):,}", f"{each.budget:,}", _percent(each))
        cells = (at, printing.plain_cell(each.model), *figures, printing.plain_cell(_done(each)))
        table.add_row(*cells, style="yellow" if each.strategies else "")
    if not json:
        printing.out().print("No model call has left a manifest." if empty else table)


def _one(console: Console, found: Manifest) -> None:
    counted = f"{found.reported:,} counted" if found.reported else "not counted by the provider"
    console.print(
        f"{found.session}: turn {found.turn}, step {found.step}, {found.model}\n"
        f"window {found.context_window:,}, reserve {found.reserve:,}, budget {found.budget:,}; "
        f"{found.estimated:,} tokens estimated at a ratio of {found.ratio:.2f}, {counted}",
        markup=False,
    )
    table = _columns("part", "shown", right=("tokens", "saved", "entries"), last="why")
    for each in found.items:
        cells = (each.part, each.shown.replace("_", " "), f"{each.tokens:,}", f"{each.saved:,}", _range(each))
        style = {"cut": "yellow", "left_out": "red"}.get(each.shown, "")
        table.add_row(*(printing.plain_cell(cell) for cell in (*cells, each.why)), style=style)
    console.print(table)


async def _text(console: Console, session: Session, found: Manifest) -> None:
    """The entries of the log that the prompt was made of, in their order."""
    entries: dict[int, Entry] = {}
    first = min((each.start for each in found.items if each.stop), default=found.seq)
    async for entry in session.transcript(first):
        if entry.seq >= found.seq:
            break
        entries[entry.seq] = entry
    shown = _entries_of_items(found, entries)
    for at, each in enumerate(found.items):
        aside = f"{each.tokens:,} tokens" + (f"; {each.why}" if each.why else "")
        if not each.stop:
            console.print(f"[dim]--- {each.part}: {printing.plain_cell(aside)}[/]")
        elif each.shown == "left_out":
            console.print(f"[red]--- {each.part} {_range(each)} left out: {printing.plain_cell(each.why)}[/]")
        else:
            for entry in shown[at]:
                console.print(f"[dim]--- {each.part} {entry.seq}: {entry.kind}[/]")
                console.print(_entry_text(entry, each), markup=False)


def _entries_of_items(found: Manifest, entries: dict[int, Entry]) -> list[list[Entry]]:
    """The entries that each of the prompt's items stands for.

    An item tells a range and how many it counts there, and ranges overlap: of the entries in several,
    those that were cut are the longest, and what is gone is the oldest.
    """
    left = dict(entries)
    shown: list[list[Entry]] = [[] for _ in found.items]
    for at, each in sorted(enumerate(found.items), key=lambda pair: (pair[1].shown != "cut", pair[1].count)):
        if each.shown == "left_out":
            continue
        there = [entry for entry in left.values() if each.start <= entry.seq < each.stop and _is(each, entry)]
        if each.shown == "cut":
            there.sort(key=lambda entry: len(entry.text))
        shown[at] = sorted(there[-each.count :], key=lambda entry: entry.seq)
        for entry in shown[at]:
            del left[entry.seq]
    return shown


def _is(item: ManifestItem, entry: Entry) -> bool:
    if item.part in {"memory", "summary"}:
        return entry.kind == item.part
    return entry.kind not in {"memory", "summary"}


def _entry_text(entry: Entry, item: ManifestItem) -> str:
    calls = [f"→ {call.name} {call.arguments}" for call in entry.calls] if entry.kind == "reply" else []
    text = printing.shown("\n".join(filter(None, (entry.text, *calls))))
    return text if item.shown == "whole" or len(text) <= _HEAD else f"{text[:_HEAD]} … ({item.why})"


def _tokens(found: Manifest) -> int:
    return found.reported or found.estimated


def _percent(found: Manifest) -> str:
    return f"{100 * _tokens(found) / found.budget:.0f} %" if found.budget else ""


def _done(found: Manifest) -> str:
    left = sum(each.count for each in found.items if each.shown == "left_out")
    cut = sum(each.count for each in found.items if each.shown == "cut")
    counts = [f"{number:,} {word}" for number, word in ((cut, "cut"), (left, "left out")) if number]
    return ", ".join((*(each.replace("_", " ") for each in found.strategies), *counts))


def _range(each: ManifestItem) -> str:
    if not each.stop:
        return ""
    return str(each.start) if each.stop == each.start + 1 else f"{each.start}-{each.stop - 1}"


def _columns(first: str, second: str, *, right: tuple[str, ...], last: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, no_wrap=True)
    table.add_column(second, no_wrap=True)
    for column in right:
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column(last, overflow="fold", ratio=1)
    return table
