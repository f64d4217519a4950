"""``effects`` lists the effect ledger."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.text import Text

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Limit, argument

if TYPE_CHECKING:
    from holdfast_workflows.contracts.operations.effects import EffectView

Status = Literal["claimed", "settled", "failed", "unknown", "given_up", "undoing", "undone", "undo_failed"]


@command
async def effects(
    context: typer.Context,
    session: Annotated[str, argument("[SESSION]", "Only effects of this session.")] = "",
    status: Annotated[Status | None, typer.Option(help="Only effects with this status.")] = None,
    limit: Limit = 500,
    json: Json = False,
) -> None:
    """List tool calls with effects, and their outcomes.

    Whether a call with status unknown happened is not known. If a turn waits for it, show lists it.
    Confirm it or give it up with answer, which records the person and the time.

    With --json: one line each, {"key", "session", "seq", "turn", "agent", "tenant", "tool",
    "effect", "status", "arguments", "result", "by", "claimed", "settled"}.
    """
    from holdfast_client.debugging import imports

    if imported := imports.find(session):
        found = tuple(each for each in await imported.effects() if status in {None, each.status})[:limit]
        printing.listing(found, _list, "There are no such effects.", json=json)
        return
    client = await connected(context)
    found = await client.effects(session=session, status=status or "", limit=limit)
    printing.listing(found, _list, "There are no such effects.", json=json)
    # Not all of them wait: a cancelled turn has ended without an answer.
    for unknown in [] if json else sorted({each.session for each in found if each.status == "unknown"}):
        where = shlex.quote(unknown)
        printing.out().print(
            f"\nwhat waits for a person: holdfast show {where}\n"
            f"other unknown effects: holdfast answer {where} EFFECT confirm --text …|give-up",
            markup=False,
        )


def _list(found: Sequence[EffectView]) -> Text:
    return printing.blocks(
        (
            each.key,
            f"{each.status}  {each.by} {printing.when(each.settled) if each.by else ''}",
            f"{printing.call(each.tool, each.arguments)}\n{each.result}".rstrip(),
        )
        for each in found
    )
