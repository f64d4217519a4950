"""``trace``: what happened in a session, and where the time went, as a waterfall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from ..common import printing
from ..common.execution import command
from ..common.options import Json, SessionId
from .bundles import readable

if TYPE_CHECKING:
    from holdfast_client.debugging.spans import Span, Trace, TurnTrace

_TURNS: Final = 10
_BAR: Final = 30
"""Columns of the bars."""

_SPANS: Final = 60
"""Spans of a turn that are printed; of more, the longest."""

_STYLES: Final = {
    "model": "cyan",
    "tool": "green",
    "child": "green",
    "memory": "blue",
    "person": "magenta",
    "paused": "magenta",
    "wait": "yellow",
    "lost": "red",
    "retry": "red",
    "queue": "yellow",
}

_WORDS: Final = {"child": "session", "lost": "lost worker", "retry": "retries", "other": "workflow"}


@command
async def trace(
    context: typer.Context,
    session: SessionId,
    turn: Annotated[int | None, typer.Option(min=1, help="Only this turn.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many turns, counted from the last one.")] = _TURNS,
    full: Annotated[bool, typer.Option("--full", help="All turns, every part, and long texts.")] = False,
    json: Json = False,
) -> None:
    """Show where the time of a session went, and what stands out.

    It needs no worker: the history has most of it.

    With --json: one line for the trace, with "findings"; then one for each turn, with "shares", and one for
    each span; "record" is "trace", "turn" or "span".
    """
    handle, client = await readable(context, session)
    made = await handle.trace(turn, last=None if full else last)
    if json:
        documents(made)
        return
    console = printing.out()
    draw(console, made, full=full)
    if client is not None and (link := printing.link(client, session)):
        console.print(f"\n[dim]{link}[/]")


def documents(made: Trace) -> None:
    """Print a trace as JSON lines."""
    about = {
        name: value for name, value in printing.plain(made).items() if name not in {"turns", "background"}
    }
    printing.document({"record": "trace", **about})
    for turn in made.turns:
        values = {name: value for name, value in printing.plain(turn).items() if name != "spans"}
        printing.document({"record": "turn", **values, "shares": dict(turn.shares)})
        for span in turn.spans:
            printing.document({"record": "span", **printing.plain(span), "turn": turn.turn})
    for span in made.background:
        printing.document({"record": "span", **printing.plain(span)})


def draw(console: Console, made: Trace, *, full: bool) -> None:
    """Print a trace."""
    console.print(
        Text.assemble(
            (printing.shown(made.session), "bold"), f" · {printing.shown(made.agent)} · {made.status}"
        )
    )
    began = printing.count(made.runs, "run")
    console.print(f"[dim]began {printing.when(made.began)} · {made.events:,} events of {began}[/]")
    for note in made.notes:
        printing.indented(console, note, style="dim")
    for finding in made.findings:
        printing.indented(console, f"! {finding}", style="bold yellow")
    if not made.turns:
        console.print("no turn has begun")
    for turn in made.turns:
        _turn(console, turn, full=full)
    if made.background:
        console.print()
        console.print(f"[dim]outside the turns, from {printing.when(made.background[0].start)}[/]")
        _waterfall(
            console,
            made.background,
            made.background[0].start,
            max(each.end for each in made.background),
            full=full,
        )


def _turn(console: Console, turn: TurnTrace, *, full: bool) -> None:
    from holdfast_workflows.contracts.session.descriptions import duration

    console.print()
    used = f" · {printing.money(turn.usage)}" if turn.usage.input_tokens or turn.usage.cost else ""
    style = {"failed": "bold red", "cancelled": "bold magenta"}.get(turn.status, "bold")
    head = f"turn {turn.turn} · {turn.status} · {printing.when(turn.start)} · {duration(turn.seconds)}{used}"
    console.print(Text(head), style=style)
    printing.indented(console, f"trace {printing.trace_link(turn.trace_id) or turn.trace_id}", 2, "dim")
    if turn.error:
        printing.indented(console, turn.error, 2, "red")
    line = Text("  ")
    for kind, took in turn.shares:
        percent = 100 * took / turn.seconds if turn.seconds else 0
        line.append(
            f"{_WORDS.get(kind, kind)} {duration(took)} ({percent:.0f} %)  ", _STYLES.get(kind, "dim")
        )
    console.print(line)
    if turn.queued >= 0.1:
        printing.indented(console, f"its message waited {duration(turn.queued)} before", 2, "yellow")
    _waterfall(console, turn.spans, turn.start, turn.end, full=full)


def _waterfall(console: Console, spans: Sequence[Span], start: float, end: float, *, full: bool) -> None:
    from holdfast_workflows.contracts.session.descriptions import duration
    from holdfast_workflows.contracts.text.unicode import preview

    shown = spans if full else _longest(spans)
    for span in shown:
        what = [span.name, *([] if span.status in {"ok", "open"} else [span.status])]
        if span.attempts > 1 and span.kind not in {"retry", "queue"}:
            what.append(f"attempt {span.attempts}")
        if span.status == "open":
            what.append("still")
        detail = span.detail if full else preview(span.detail, 160)
        line = Text.assemble(
            f"  {f'+{duration(span.start - start)}':>12}  ",
            (_bar(span.start - start, span.seconds, end - start), _STYLES.get(span.kind, "dim")),
            f" {duration(span.seconds):>11}  ",
            (f"{_WORDS.get(span.kind, span.kind):<11} ", _STYLES.get(span.kind, "dim")),
            printing.shown(" · ".join([*what, *filter(None, [detail])])).replace("\n", " "),
        )
        console.print(line)
    if left := len(spans) - len(shown):
        console.print(f"[dim]  … {printing.count(left, 'shorter part')} with --full[/]")


def _longest(spans: Sequence[Span]) -> Sequence[Span]:
    """Return the longest spans, in order; those that still run, failed or were lost come first."""
    if len(spans) <= _SPANS:
        return spans
    ranked = sorted(spans, key=lambda each: (each.status != "ok", each.seconds), reverse=True)[:_SPANS]
    kept = {id(each) for each in ranked}
    return [each for each in spans if id(each) in kept]


def _bar(offset: float, took: float, whole: float) -> str:
    """Return a bar at its place; at least one column wide."""
    if whole <= 0:
        return "█".ljust(_BAR)
    first = min(_BAR - 1, int(_BAR * max(0.0, offset) / whole))
    width = max(1, min(_BAR - first, round(_BAR * took / whole)))
    return ("·" * first + "█" * width).ljust(_BAR, "·")
