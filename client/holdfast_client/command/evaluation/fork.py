"""``fork`` takes a step of a session again without effects, and shows both outcomes side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, SessionId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from holdfast_workflows.contracts.evaluation.outcomes import Comparison, Outcome, OutcomeCall

_MARKS = {"recorded": "recorded result", "fenced": "not made", "tool": "made"}


@command
async def fork(
    context: typer.Context,
    session: SessionId,
    at: Annotated[int, typer.Option(min=1, help="The step to take again.")] = 1,
    turn: Annotated[
        int | None, typer.Option(help="The turn; by default the last one with that step.")
    ] = None,
    model: Annotated[str, typer.Option(help="The model instead of the agent's.")] = "",
    instructions: Annotated[
        Path | None, typer.Option(help="A file with the instructions instead of the agent's.")
    ] = None,
    current: Annotated[
        bool, typer.Option("--current", help="The agent as the workers' code has it.")
    ] = False,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="Make no calls at all, not even those without effects.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the end and compare.")] = True,
    json: Json = False,
) -> None:
    """Take a step of a session again, without effects.

    It compares both outcomes.

    With --json: the comparison, or with --no-wait the fork's id and turn.
    """
    client = await connected(context)
    started = await client.session(session).fork(
        at,
        turn=turn,
        model=model,
        instructions=instructions.read_text("utf-8") if instructions else None,
        current=current,
        reads="recorded" if recorded else "live",
    )
    if not wait:
        printing.result({"session": started.id}, started.id, json=json)
        return
    # Before the wait: the fork goes on, also without this command.
    printing.note(f"`holdfast show {started.id}`")
    found = await started.comparison()
    if json:
        printing.document(found)
    else:
        _show(found)


def _show(found: Comparison) -> None:
    console = printing.out()
    console.print(_table(found))
    for title, calls in (
        ("only in the fork", found.new_calls),
        ("only in the original", found.missing_calls),
    ):
        if calls:
            console.print(f"[bold]{title}[/]")
            for call in calls:
                printing.indented(console, _call(call), 2)
    for title, outcome in (("original", found.original), ("fork", found.fork)):
        console.print(f"[bold]{title}[/]")
        printing.indented(console, outcome.text or (outcome.error.message if outcome.error else "-"), 2)


def _table(found: Comparison) -> Table:
    made = printing.table("", "original", "fork", wrap=("original", "fork"))
    pair = (found.original, found.fork)
    rows: tuple[tuple[str, Iterable[str]], ...] = (
        ("session", (each.session for each in pair)),
        ("status", (_status(each) for each in pair)),
        ("model", (", ".join(each.models) or "-" for each in pair)),
        ("steps", (str(each.steps) for each in pair)),
        ("calls", (_calls(each) for each in pair)),
        ("tokens", (f"{each.usage.input_tokens:,} in, {each.usage.output_tokens:,} out" for each in pair)),
        ("cost", (f"${each.usage.cost:.4f}" for each in pair)),
        ("model time", (f"{each.seconds:.1f} s" for each in pair)),
    )
    for name, values in rows:
        printing.add_row(made, name, *values)
    return made


def _status(outcome: Outcome) -> str:
    return f"{outcome.status}: {outcome.error.code}" if outcome.error else outcome.status


def _calls(outcome: Outcome) -> str:
    if not outcome.calls:
        return "-"
    counts = {mark: sum(call.source == source for call in outcome.calls) for source, mark in _MARKS.items()}
    return ", ".join(f"{count} {mark}" for mark, count in counts.items() if count)


def _call(call: OutcomeCall) -> str:
    return f"{printing.call(call.name, call.arguments)}: {_MARKS[call.source]}"
