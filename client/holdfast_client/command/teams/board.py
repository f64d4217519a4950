"""``board`` shows the board of a team or a tenant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Tenant, argument

if TYPE_CHECKING:
    from holdfast_workflows.contracts.teams.board import BoardEntry


@command
async def board(
    context: typer.Context,
    of: Annotated[str, argument("BOARD", "The id of a session of the team; with --named the board's name.")],
    key: Annotated[str, argument("[KEY]", "Print the text of this entry.")] = "",
    named: Annotated[bool, typer.Option("--named", help="BOARD is the name of a tenant's board.")] = False,
    tenant: Tenant = "",
    versions: Annotated[bool, typer.Option("--versions", help="List the versions of KEY.")] = False,
    json: Json = False,
) -> None:
    """List a board's entries, or print one.

    With --json: one line each, {"key", "version", "text", "size", "agent", "session", "at"};
    "text" only with KEY.
    """
    from holdfast_workflows.contracts.errors import BadInput

    if versions and not key:
        raise BadInput("--versions lists the versions of one entry; give its KEY")
    client = await connected(context)
    handle = client.board(of, tenant=tenant) if named else client.session(of).board
    if not key or versions:
        found = await (handle.versions(key) if key else handle.list())
        printing.listing(found, _table, "There are no such entries.", json=json)
        return
    entry = await handle.read(key)
    if entry is None:
        raise BadInput(f"the board has no entry {key!r}; list them without KEY")
    printing.result(entry, entry.text, json=json)


def _table(entries: Sequence[BoardEntry]) -> Table:
    table = printing.table("key", "version", "size", "by", "at", right=("version", "size"))
    for each in entries:
        at = f"{datetime.fromtimestamp(each.at, UTC):%Y-%m-%d %H:%M:%S}"
        printing.add_row(table, each.key, str(each.version), f"{each.size:,}", each.agent, at)
    return table
