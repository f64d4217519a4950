"""``state show`` prints what a session's tools keep. The other commands of ``state`` are of the worker's package."""

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
    from holdfast_workflows.contracts.tools.session_values import SessionValue

state = typer.Typer(no_args_is_help=True, help="Show a session's values; operate the state database.")


@state.command()
@command
async def show(
    context: typer.Context,
    session: SessionId,
    key: Annotated[str, argument("[KEY]", "Print this value.")] = "",
    json: Json = False,
) -> None:
    """Show the values that a session's tools keep.

    They are what tools write with ctx.state. Secrets are replaced. With --json: one line each,
    {"key", "value", "version"}.
    """
    from holdfast_workflows.contracts.errors import NothingToDo
    from holdfast_workflows.contracts.text.redaction import redact_value
    from holdfast_workflows.contracts.text.unicode import dump_json

    handle, _ = await readable(context, session)
    found = await handle.state(key)
    if key and not found:
        raise NothingToDo(f"{session} has no value {key!r}; list them without KEY")
    if json:
        for each in found:
            printing.document(redact_value(printing.plain(each)))
    elif key:
        printing.out().print(printing.shown(dump_json(redact_value(found[0].value))), markup=False)
    else:
        printing.listing(found, _table, "The session's tools keep no values.", json=False)


def _table(found: Sequence[SessionValue]) -> Table:
    from holdfast_workflows.contracts.text.redaction import redact_value
    from holdfast_workflows.contracts.text.unicode import dump_json, preview

    table = printing.table("key", "version", "value", right=("version",), wrap=("value",))
    for each in found:
        printing.add_row(table, each.key, str(each.version), preview(dump_json(redact_value(each.value))))
    return table
