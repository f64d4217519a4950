"""``debug``: debug mode of a session, and what it recorded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, SessionId, argument, duration
from ..inbox.answers import login
from .bundles import readable

if TYPE_CHECKING:
    from rich.console import Console

    from holdfast_workflows.contracts.operations.debugging import DebugRecord
    from holdfast_workflows.contracts.session.session import SessionView

_SHOWN = 200
"""Characters of a value that are printed without --full."""


class Switch(StrEnum):
    """What to do with debug mode."""

    ON = "on"
    OFF = "off"


@command
async def debug(
    context: typer.Context,
    session: SessionId,
    switch: Annotated[Switch | None, argument("[on|off]", "Turn it on or off; without it, print.")] = None,
    period: Annotated[
        str, typer.Option("--for", help="How long it stays on, such as 15m; at most 24h.")
    ] = "1h",
    by: Annotated[str, typer.Option(help="Who does it; your login name by default.")] = "",
    full: Annotated[bool, typer.Option("--full", help="Print whole prompts, arguments and results.")] = False,
    json: Json = False,
) -> None:
    """Record and log more of one session for a while.

    on: prompts, arguments, results, headers and timings are recorded without secrets, workers log the session at
    DEBUG, and its traces are sampled. Without on or off, the command prints what was recorded.

    With --json: with on or off the session's view; else one line for each record, {"id", "turn", "step", "activity",
    "attempt", "at", "seconds", "trace", "error", "phases", "details", "cut"}.
    """
    if switch is None:
        await _records(context, session, full=full, json=json)
        return
    handle = (await connected(context)).session(session)
    if switch is Switch.OFF:
        view = await handle.debug_off(by=by or login())
        printing.result(view, f"{session}: debug mode is off", json=json)
    else:
        view = await handle.debug(duration(period), by=by or login())
        printing.result(view, f"{session}: {in_words(view)}", json=json)


def in_words(view: SessionView) -> str:
    """Return until when debug mode is on, and who turned it on; empty while it is off."""
    mode = view.debug
    if mode is None or mode.until <= time.time():
        return ""
    by = f", turned on by {mode.by}" if mode.by else ""
    return f"debug mode until {printing.when(mode.until)}{by}"


async def _records(context: typer.Context, session: str, *, full: bool, json: bool) -> None:
    handle, client = await readable(context, session)
    if json:
        async for record in handle.debug_records():
            printing.document(record)
        return
    console = printing.out()
    if client is not None:
        console.print(f"[dim]{printing.plain_cell(in_words(await handle.view()) or 'debug mode is off')}[/]")
    number = 0
    async for record in handle.debug_records():
        number += 1
        _print(console, record, full=full)
    if not number:
        console.print("Nothing was recorded. Turn it on with `holdfast debug SESSION on`.", markup=False)


def _print(console: Console, record: DebugRecord, *, full: bool) -> None:
    attempt = f" · attempt {record.attempt}" if record.attempt > 1 else ""
    place = f"turn {record.turn}" + (f".{record.step}" if record.step else "")
    head = f"{printing.when(record.at)} · {place} · {record.activity}{attempt} · {record.seconds:.3f} s"
    console.print()
    console.print(printing.plain_cell(head), style="bold")
    if record.trace:
        console.print(f"  [dim]trace {printing.plain_cell(record.trace)}[/]")
    if record.error:
        printing.indented(console, record.error, 2, "red")
    if phases := ", ".join(f"{name} {took * 1_000:.0f} ms" for name, took in record.phases):
        printing.indented(console, phases, 2, "dim")
    for detail in record.details:
        for line in _lines(detail, full=full):
            printing.indented(console, line, 2)
    if record.cut:
        printing.indented(console, f"{record.cut:,} bytes were left out", 2, "dim")


def _lines(detail: dict[str, Any], *, full: bool) -> Iterator[str]:
    from holdfast_workflows.contracts.text.unicode import dump_json

    kind, after = detail.get("kind", ""), detail.get("after", 0.0)
    yield f"{kind} after {after:.3f} s"
    for name, value in detail.items():
        if name in {"kind", "after"} or value in ("", None, [], {}):
            continue
        text = value if isinstance(value, str) else dump_json(value)
        yield f"  {name}: {text if full or len(text) <= _SHOWN else f'{text[:_SHOWN]}…'}"
