"""``retention``: how long content of sessions is kept. ``hold``: what is kept whatever the rules say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, argument, duration
from ..inbox import answers

if TYPE_CHECKING:
    from datetime import timedelta

    from holdfast_workflows.contracts.operations.retention import Hold, RetentionKind, RetentionRule

retention = typer.Typer(no_args_is_help=True, help="Show and set how long content of sessions is kept.")
hold = typer.Typer(no_args_is_help=True, help="Place, list and remove legal holds.")

OfTenant = Annotated[str | None, typer.Option("--tenant", help="Only of this tenant.", show_default=False)]
Reason = Annotated[str, typer.Option(help="Why; it is in the audit log.")]


@retention.command("show")
@command
async def show_rules(context: typer.Context, tenant: OfTenant = None, json: Json = False) -> None:
    """List the rules of a tenant, or of all tenants.

    With --json: one line each, {"tenant", "kind", "days", "by", "at"}; "days" is null for never.
    """
    found = await (await connected(context)).retention.list(tenant=tenant)
    printing.listing(found, _rules, "There are no rules.", json=json)


@retention.command("set")
@command
async def set_rule(
    context: typer.Context,
    kind: Annotated[
        Literal["session", "log", "texts", "prompts", "effects", "costs", "idle"],
        argument(
            "KIND", "session, log, texts, prompts, effects or costs; idle for when a session is closed."
        ),
    ],
    keep: Annotated[str, argument("DURATION", "A time such as 90d; never; default to remove the rule.")],
    tenant: Annotated[str, typer.Option(help="The tenant; * for all without a rule of their own.")] = "*",
    json: Json = False,
) -> None:
    """Set how long content of a kind is kept after a session's end.

    With --json: the rule that applies now, as of show.
    """
    client = await connected(context)
    time: timedelta | Literal["never", "default"]
    time = "never" if keep == "never" else "default" if keep == "default" else duration(keep)
    rule = await client.retention.set(kind, time, tenant=tenant, by=answers.login())
    printing.result(rule, _rules([rule]), json=json)


@hold.command("add")
@command
async def add_hold(
    context: typer.Context,
    kind: Annotated[Literal["session", "user", "tenant"], argument("session|user|tenant", "What to hold.")],
    id: Annotated[str, argument("ID", "The session's or the user's id, or the tenant.")],
    reason: Reason,
    tenant: Annotated[str, typer.Option(help="The tenant of the user.")] = "",
    name: Annotated[str, typer.Option(help="The hold's id; random by default.")] = "",
    json: Json = False,
) -> None:
    """Place a hold, so that nothing of it is removed.

    Nothing is closed or erased either, until the hold is removed.

    With --json: {"id", "kind", "subject", "tenant", "reason", "by", "at"}.
    """
    whole = kind == "tenant"
    placed = await (await connected(context)).holds.add(
        kind,
        "" if whole else id,
        reason=reason,
        tenant=id if whole else tenant,
        by=answers.login(),
        id=name or None,
    )
    printing.result(placed, placed.id, json=json)


@hold.command("list")
@command
async def list_holds(context: typer.Context, tenant: OfTenant = None, json: Json = False) -> None:
    """List the holds, the oldest first.

    With --json: one line each, as of add.
    """
    found = await (await connected(context)).holds.list(tenant=tenant)
    printing.listing(found, _holds, "There are no holds.", json=json)


@hold.command("remove")
@command
async def remove_hold(
    context: typer.Context,
    id: Annotated[str, argument("HOLD", "The hold's id, as printed by list.")],
    reason: Reason,
    json: Json = False,
) -> None:
    """Remove a hold. What is past its time is removed by the next maintenance.

    With --json: the hold, as of add.
    """
    gone = await (await connected(context)).holds.remove(id, reason=reason, by=answers.login())
    printing.result(gone, f"the hold on {_subject(gone)} is removed", json=json)


def _rules(rules: Sequence[RetentionRule]) -> Table:
    table = printing.table("tenant", "kind", "kept", "set by", "at", wrap=("set by",))
    for each in rules:
        by = each.by or ("-" if each.at else "built in")
        when = printing.when(each.at) if each.at else ""
        printing.add_row(table, each.tenant or "(none)", each.kind, _kept(each.kind, each.days), by, when)
    return table


def _kept(kind: RetentionKind, days: float | None) -> str:
    if days is not None:
        return f"{days:g} d" if days >= 1 else f"{days * 24:g} h"
    return "for ever" if kind in {"idle", "session"} else "as long as the session"


def _holds(holds: Sequence[Hold]) -> Text:
    return printing.blocks(
        (
            each.id,
            " · ".join((_subject(each), printing.when(each.at), *([f"by {each.by}"] if each.by else []))),
            each.reason,
        )
        for each in holds
    )


def _subject(hold: Hold) -> str:
    return f"{hold.kind} {hold.subject or hold.tenant or '(none)'}"
