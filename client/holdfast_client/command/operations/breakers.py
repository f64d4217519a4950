"""Circuit breakers: ``breakers`` lists them; ``breaker open`` and ``breaker close`` change one manually."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, argument

if TYPE_CHECKING:
    from holdfast_workflows.contracts.operations.breakers import BreakerView

breaker = typer.Typer(no_args_is_help=True, help="Open or close a circuit breaker manually.")

Name = Annotated[str, argument("NAME", "provider:<name>, tool:<name> or memory:<name>.")]


@command
async def breakers(context: typer.Context, json: Json = False) -> None:
    """List the circuit breakers that have recorded a failure.

    With --json: one line each, {"name", "state", "failures", "until", "opened", "manual",
    "reason"}; times in seconds since 1970.
    """
    client = await connected(context)
    printing.listing(await client.breakers(), _list, "No breaker has recorded a failure.", json=json)


@breaker.command("open")
@command
async def open_(
    context: typer.Context,
    name: Name,
    seconds: Annotated[
        float, typer.Option("--for", metavar="SECONDS", min=1, help="How long; then it allows probes.")
    ] = 3_600.0,
    reason: Annotated[str, typer.Option(help="The reason; shown in the error of refused calls.")] = "",
    json: Json = False,
) -> None:
    """Stop all calls to a provider, tool or memory store for a while.

    With --json: the breaker.
    """
    view = await (await connected(context)).set_breaker(name, "open", seconds=seconds, reason=reason)
    printing.result(view, _list([view]), json=json)


@breaker.command()
@command
async def close(context: typer.Context, name: Name, json: Json = False) -> None:
    """Allow all calls again.

    With --json: the breaker.
    """
    view = await (await connected(context)).set_breaker(name, "closed")
    printing.result(view, _list([view]), json=json)


def _list(found: Sequence[BreakerView]) -> Text:
    return printing.blocks(
        (
            each.name,
            "  ".join(
                (
                    f"{each.state.replace('_', '-')}{', manually' if each.manual else ''}",
                    *([f"until {until}"] if (until := printing.when(each.until)) else []),
                    *([f"{printing.count(each.failures, 'failure')} in a row"] if each.failures else []),
                )
            ),
            each.reason,
        )
        for each in found
    )
