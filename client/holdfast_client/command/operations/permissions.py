"""``permissions check``: what rules would have decided in recorded sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from holdfast_workflows.contracts import exits

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Limit, argument

if TYPE_CHECKING:
    from holdfast_workflows.contracts.permissions.recorded import PermissionChange

permissions = typer.Typer(no_args_is_help=True, help="Try rules on tool calls.")


@permissions.callback()
def _group() -> None:
    """Keep ``check`` a command of its own."""


@permissions.command()
@command
async def check(
    context: typer.Context,
    app: Annotated[str, argument("MODULE:APP", "The App with the rules to try.")],
    sessions: Annotated[
        list[str] | None, typer.Option(help="A session to check; repeat it for several. All by default.")
    ] = None,
    agent: Annotated[str | None, typer.Option(help="Only sessions of this agent.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only sessions of this tenant.")] = None,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """Decide the calls of recorded sessions again by an App's rules, and list the differences.

    Nothing runs and no session changes. The exit code is 1 if a call would be decided differently.

    With --json: one line each, {"session", "turn", "seq", "tool", "arguments", "was", "now", "rule", "reason"}.
    """
    from holdfast_client.operations import permission_check  # it imports Temporal

    registry = permission_check.registry_of(app)
    client = await connected(context)
    chosen = sessions or [info.id async for info in client.sessions(agent=agent, tenant=tenant, limit=limit)]
    found: list[PermissionChange] = []
    async for _, changes in permission_check.changes(client, registry, chosen):
        found += changes
    printing.listing(found, _list, f"{printing.count(len(chosen), 'session')}: no difference.", json=json)
    if found:
        raise typer.Exit(exits.FAILED)


def _list(changes: Sequence[PermissionChange]) -> Text:
    return printing.blocks(
        (
            f"{each.session} · {printing.call(each.tool, each.arguments)}",
            f"was: {each.was}, now: {each.now}",
            each.rule + (f": {each.reason}" if each.reason else ""),
        )
        for each in changes
    )
