"""``effects`` lists the effect ledger; ``resolve`` resolves a pending decision or an unknown effect."""

from __future__ import annotations

import getpass
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.text import Text

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Limit, SessionId, argument

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
    Confirm it or give it up with resolve, which records the person and the time.

    With --json: one line each, {"key", "session", "seq", "turn", "agent", "tenant", "tool",
    "effect", "status", "arguments", "result", "by", "claimed", "settled"}.
    """
    client = await connected(context)
    found = await client.effects(session=session, status=status or "", limit=limit)
    printing.listing(found, _list, "There are no such effects.", json=json)
    # Not all of them wait: a cancelled turn has ended without an answer.
    for unknown in [] if json else sorted({each.session for each in found if each.status == "unknown"}):
        where = shlex.quote(unknown)
        printing.out().print(
            f"\npending decisions: holdfast show {where}\n"
            f"other unknown effects: holdfast resolve {where} EFFECT confirm --text …|give-up",
            markup=False,
        )


@command
async def resolve(
    context: typer.Context,
    session: SessionId,
    id: Annotated[str, argument("ID", "The pending decision's id, or the effect's key.")],
    action: Annotated[
        Literal["confirm", "retry", "give-up"],
        argument("confirm|retry|give-up", "It happened; do it again; continue without it."),
    ],
    text: Annotated[str, typer.Option(help="With confirm: the result, or the answer to the user.")] = "",
    by: Annotated[str, typer.Option(help="Who decides; your login name by default.")] = "",
    json: Json = False,
) -> None:
    """Resolve a pending decision or an unknown effect.

    An unknown effect of an ended turn or session can be confirmed or given up.

    With --json: the session's view; null if the server no longer has the session.
    """
    handle = (await connected(context)).session(session)
    resolution = "give_up" if action == "give-up" else action
    view = await handle.resolve(id, resolution, text=text, by=by or login())
    printing.result(view, f"{session}: {id}: {action}", json=json)


def commands_to_resolve(session: str, id: str, about: str) -> list[str]:
    """Return the commands that resolve a pending decision."""
    where = shlex.quote(session)
    decision = f"holdfast resolve {where} {shlex.quote(id)}"
    if about == "budget":
        return [f"holdfast budget {where} --add-…", f"{decision} give-up"]
    text = "answer" if about == "ask_human" else "result"
    return [f"{decision} confirm --text '{text}'", f"{decision} retry", f"{decision} give-up"]


def _list(found: Sequence[EffectView]) -> Text:
    return printing.blocks(
        (
            each.key,
            f"{each.status}  {each.by} {printing.when(each.settled) if each.by else ''}",
            f"{printing.call(each.tool, each.arguments)}\n{each.result}".rstrip(),
        )
        for each in found
    )


def login() -> str:
    """Return the login name; empty if the system has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""
