"""``patterns``: how turns, model calls and tool calls went in a period, and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Tenant, duration

if TYPE_CHECKING:
    from holdfast_workflows.contracts.operations.patterns import Pattern, PatternKind

_COLUMNS: Final = (
    "count",
    "failed",
    "mean",
    "min",
    "p50",
    "p95",
    "p99",
    "max",
    "cost",
    "per hour",
    "errors",
    "slowest",
)
_BARS: Final = " ▁▂▃▄▅▆▇█"
_HOURS: Final = 48
"""Hours that are drawn; of a longer period, the last ones."""


@command
async def patterns(
    context: typer.Context,
    period: Annotated[str, typer.Option("--for", help="The length of the period, such as 1h or 7d.")] = "24h",
    agent: Annotated[str, typer.Option(help="Only sessions of this agent.")] = "",
    tenant: Tenant = "",
    json: Json = False,
) -> None:
    """Show how turns and calls went, and what changed.

    The changes are those since the period before.

    Durations are in seconds. A turn's includes its waits. With --json: {"since", "until", "patterns", "before",
    "changes", "cut"}.
    """
    client = await connected(context)
    found = await client.patterns(duration(period), agent=agent, tenant=tenant)
    if json:
        printing.document(found)
        return
    console = printing.out()
    console.print(
        f"[dim]{printing.when(found.since)} to {printing.when(found.until)}, compared with the period before[/]"
    )
    for change in found.changes:
        printing.indented(console, f"! {change}", style="bold yellow")
    if not found.before:
        console.print("[dim]Nothing happened in the period before, so there is nothing to compare with.[/]")
    if found.cut:
        console.print(
            "[dim]There was more than is read; the figures are of the newest 20,000 turns and calls.[/]"
        )
    kinds: tuple[PatternKind, ...] = ("agent", "model", "tool")
    for kind in kinds:
        own = [each for each in found.patterns if each.kind == kind]
        if own:
            console.print()
            console.print(_table(kind, own))
    if not found.patterns:
        console.print("No turn has ended in this period.")


def _table(kind: PatternKind, found: Sequence[Pattern]) -> Table:
    table = printing.table(kind, *_COLUMNS, right=_COLUMNS[:9], wrap=("errors",))
    for each in found:
        times = (f"{getattr(each, name):.2f}" for name in ("mean", "min", "p50", "p95", "p99", "max"))
        failed = f"{each.failed:,} ({each.failure_rate:.0%})" if each.failed else ""
        errors = ", ".join(f"{code} {number:,}" for code, number in each.errors.items())
        cost = f"${each.cost:.4f}" if each.cost else ""
        cells = (
            each.name,
            f"{each.count:,}",
            failed,
            *times,
            cost,
            bars(each.per_hour),
            errors,
            each.slowest,
        )
        printing.add_row(table, *cells, style="red" if each.failure_rate >= 0.05 else "")
    return table


def bars(counts: Sequence[int]) -> str:
    """Return one character for each hour, the highest for the most."""
    shown = counts[-_HOURS:]
    most = max(shown, default=0) or 1
    return "".join(_BARS[-(-8 * count // most)] for count in shown)
