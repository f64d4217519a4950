"""``cost`` reports what model calls cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Limit

if TYPE_CHECKING:
    from rich.table import Table

    from holdfast_workflows.contracts.operations.costs import CostDimension, CostReport, CostRow

_BY = ("agent", "model", "tool", "tenant", "user", "session", "day", "hour")

_FIGURES = ("dollars", "calls", "input", "cached", "output")

_NO_TOOL = "(no tool)"

Day = Annotated[datetime | None, typer.Option(metavar="DAY", formats=["%Y-%m-%d"])]


@command
async def cost(
    context: typer.Context,
    by: Annotated[
        list[str] | None, typer.Option(help=f"Group by one of: {', '.join(_BY)}. May be repeated.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="The current day and the ones before it.")] = 1,
    since: Day = None,
    until: Day = None,
    agent: Annotated[str, typer.Option(help="Only this agent.")] = "",
    model: Annotated[str, typer.Option(help="Only this model.")] = "",
    tenant: Annotated[str, typer.Option(help="Only this tenant.")] = "",
    user: Annotated[str, typer.Option(help="Only this user.")] = "",
    session: Annotated[str, typer.Option(help="Only this session.")] = "",
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """Report what model calls cost, and forecast today.

    Days are in UTC.

    With --json: one document, {"since", "until", "rows", "total", "more", "forecast"}; a
    row has the names of --by, "dollars", "model_calls", "tool_calls", "input_tokens",
    "output_tokens", "cached_tokens" and "unpriced_tokens", the forecast "day", "spent",
    "dollars" and "days".
    """
    wanted = tuple(by or ["agent"])
    if unknown := [name for name in wanted if name not in _BY]:
        raise typer.BadParameter(f"--by {unknown[0]} is unknown; use one of {', '.join(_BY)}")
    report = await (await connected(context)).costs(
        by=cast("tuple[CostDimension, ...]", wanted),
        since=_first(since, until, days),
        until=until.date() if until else None,
        agent=agent,
        model=model,
        tenant=tenant,
        user=user,
        session=session,
        limit=limit,
    )
    if json:
        printing.document(report)
    else:
        _show(report, [name for name in _BY if name in wanted])


def _first(since: datetime | None, until: datetime | None, days: int) -> date:
    last = until.date() if until else datetime.now(UTC).date()
    return since.date() if since else last - timedelta(days=days - 1)


def _show(report: CostReport, by: Sequence[str]) -> None:
    console = printing.out()
    period = report.since if report.since == report.until else f"{report.since} to {report.until}"
    if not report.rows:
        console.print(f"No model was called ({period}, UTC).", markup=False)
    else:
        console.print(_table(report, by))
        if report.more:
            console.print("There are more rows; see --limit.", markup=False)
    if (found := report.forecast) is not None:
        basis = printing.count(found.days, "day") if found.days else "the pace of today"
        line = f"Today ${found.spent:,.4f} so far; ${found.dollars:,.2f} expected at its end (from {basis})."
        console.print(line, markup=False)
    if report.total.unpriced_tokens:
        console.print(
            f"{report.total.unpriced_tokens:,} tokens are of models without a price and count as free; "
            "set HOLDFAST_PRICES. `holdfast cost --by model` shows which.",
            markup=False,
        )


def _table(report: CostReport, by: Sequence[str]) -> Table:
    table = printing.table(*by, *_FIGURES, right=_FIGURES)
    for row in report.rows:
        keys = (getattr(row, name) or (_NO_TOOL if name == "tool" else "-") for name in by)
        printing.add_row(table, *keys, *_figures(row, by))
    if len(report.rows) > 1 or report.more:
        printing.add_row(table, "total", *[""] * (len(by) - 1), *_figures(report.total, ()), style="bold")
    return table


def _figures(row: CostRow, by: Sequence[str]) -> list[str]:
    calls = row.tool_calls if "tool" in by and row.tool else row.model_calls
    tokens = (row.input_tokens, row.cached_tokens, row.output_tokens)
    return [f"{row.dollars:,.4f}", f"{calls:,}", *(f"{count:,}" for count in tokens)]
