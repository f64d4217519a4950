"""``audit show`` lists records of the audit log. ``audit verify`` and ``audit key`` are commands of the worker's package."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.text import Text

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Limit

if TYPE_CHECKING:
    from holdfast_workflows.contracts.control.audit import AuditEntry, AuditKind

audit = typer.Typer(no_args_is_help=True, help="Show and verify the audit log.")

_KINDS = ("permission", "approval", "effect", "budget", "operator", "erasure")

Time = Annotated[datetime | None, typer.Option(metavar="TIME", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])]


@audit.command()
@command
async def show(
    context: typer.Context,
    session: Annotated[str, typer.Option(help="Only records of this session.")] = "",
    tenant: Annotated[str | None, typer.Option(help="Only records of this tenant.")] = None,
    principal: Annotated[str, typer.Option(help="Only what this principal did.")] = "",
    kind: Annotated[str, typer.Option(help=f"Only one of: {', '.join(_KINDS)}.")] = "",
    since: Time = None,
    until: Time = None,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """List the newest records, in the order of their times.

    With --json: one line each, {"n", "hash", "record"}; the record has "id", "kind", "action",
    "tenant", "session", "principal", "subject", "reason", "details" and "at".
    """
    if kind and kind not in _KINDS:
        raise typer.BadParameter(f"{kind!r} is not a kind of record; use one of {', '.join(_KINDS)}")
    found = await (await connected(context)).audit(
        session=session,
        tenant=tenant,
        principal=principal,
        kind=cast("AuditKind", kind),
        since=since,
        until=until,
        limit=limit,
    )
    printing.listing(found, _list, "There are no such records.", json=json)


def _list(found: Sequence[AuditEntry]) -> Text:
    return printing.blocks(
        (
            datetime.fromtimestamp(each.record.at).astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            " ".join(
                part
                for part in (
                    each.record.kind,
                    each.record.action,
                    each.record.subject or each.record.session,
                    f"by {each.record.principal}" if each.record.principal else "",
                    f"({each.record.tenant} {each.n})",
                )
                if part
            ),
            "  ".join(
                [each.record.reason] * bool(each.record.reason)
                + [f"{name}={value}" for name, value in each.record.details.items()]
            ),
        )
        for each in found
    )
