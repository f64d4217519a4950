"""Circuit breakers: ``breakers`` lists them, ``breaker open`` and ``breaker close`` move one by hand."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from ..common import execution, printing
from ..common.options import Json

if TYPE_CHECKING:
    from holdfast_client.client import Client
    from holdfast_workflows.contracts.operations.breakers import BreakerView

breaker = typer.Typer(no_args_is_help=True, help="Open or close a circuit breaker by hand.")

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="provider:<name>, tool:<name> or memory:<name>.", show_default=False),
]


def breakers(context: typer.Context, json: Json = False) -> None:
    """List the circuit breakers that ever saw a failure.

    With --json: one line each, {"name", "state", "failures", "until", "opened", "manual",
    "reason"}; times in seconds since 1970.
    """

    async def work(client: Client) -> None:
        found = await client.breakers()
        for circuit in found if json else ():
            printing.document(circuit)
        if not json:
            printing.out().print(_table(found) if found else "No breaker ever saw a failure.")

    execution.run(context, work, json=json)


@breaker.command("open")
def open_(
    context: typer.Context,
    name: Name,
    seconds: Annotated[
        float,
        typer.Option("--for", metavar="SECONDS", min=1, help="For so long; then probes are let through."),
    ] = 3_600.0,
    reason: Annotated[str, typer.Option(help="Why; it is shown with what it stops.")] = "",
    json: Json = False,
) -> None:
    """Ask nothing there for a while.

    With --json: the breaker.
    """
    _set(context, name, "open", seconds, reason, json=json)


@breaker.command()
def close(context: typer.Context, name: Name, json: Json = False) -> None:
    """Let everything through again.

    With --json: the breaker.
    """
    _set(context, name, "closed", 3_600.0, "", json=json)


def _set(
    context: typer.Context,
    name: str,
    to: Literal["open", "closed"],
    seconds: float,
    reason: str,
    *,
    json: bool,
) -> None:
    async def work(client: Client) -> None:
        circuit = await client.set_breaker(name, to, seconds=seconds, reason=reason)
        if json:
            printing.document(circuit)
        else:
            printing.out().print(_table((circuit,)))

    execution.run(context, work, json=json)


def _table(found: tuple[BreakerView, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("breaker", "state", "failures in a row", "until"):
        table.add_column(column, no_wrap=True, justify="right" if column.startswith("fail") else "left")
    table.add_column("why", overflow="fold", ratio=1)
    for each in found:
        until = f"{datetime.fromtimestamp(each.until).astimezone():%Y-%m-%d %H:%M:%S}" if each.until else ""
        state = f"{each.state.replace('_', '-')}{', by hand' if each.manual else ''}"
        cells = (each.name, state, str(each.failures), until, each.reason)
        table.add_row(
            *(printing.plain_cell(cell) for cell in cells), style="" if each.state == "closed" else "red"
        )
    return table
