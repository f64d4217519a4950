"""``answer``, ``approve``, ``reject`` and ``delegate``: answer what waits for a person."""

from __future__ import annotations

import getpass
import json as json_module
import shlex
from typing import Annotated, Any, Literal, cast

import typer

from holdfast_workflows.contracts import exits

from ..common import printing
from ..common.execution import command, connected, fail
from ..common.options import Json, SessionId, argument

ItemId = Annotated[str, argument("ID", "The item's id, or the key of its call.")]
By = Annotated[str, typer.Option(help="Who answers; your login name by default.")]


@command
async def answer(
    context: typer.Context,
    session: SessionId,
    id: ItemId,
    action: Annotated[
        Literal["confirm", "retry", "give-up"],
        argument("confirm|retry|give-up", "It happened; do it again; continue without it."),
    ],
    text: Annotated[str, typer.Option(help="With confirm: the result, or the answer to the user.")] = "",
    by: By = "",
    json: Json = False,
) -> None:
    """Answer what waits for a person.

    It also resolves an unknown effect.     An unknown effect of an ended turn or session can be confirmed or given up.

    With --json: the session's view; null if the server no longer has the session.
    """
    handle = (await connected(context)).session(session)
    chosen = "give_up" if action == "give-up" else action
    view = await handle.answer(id, chosen, text=text, by=by or login())
    printing.result(view, f"{session}: {id}: {action}", json=json)


@command
async def approve(
    context: typer.Context,
    session: SessionId,
    id: ItemId,
    arguments: Annotated[
        str, typer.Option(help="Call the tool with these arguments instead: a JSON object.")
    ] = "",
    text: Annotated[str, typer.Option(help="A note for the record.")] = "",
    by: By = "",
    json: Json = False,
) -> None:
    """Allow a call that waits for approval.

    With --json: the session's view.
    """
    handle = (await connected(context)).session(session)
    given = _object(arguments) if arguments else None
    view = await handle.approve(id, arguments=given, text=text, by=by or login())
    printing.result(view, f"{session}: {id}: approved", json=json)


@command
async def reject(
    context: typer.Context,
    session: SessionId,
    id: ItemId,
    reason: Annotated[str, typer.Option(help="Why; the model reads it.")] = "",
    by: By = "",
    json: Json = False,
) -> None:
    """Refuse a call that waits for approval.

    With --json: the session's view.
    """
    handle = (await connected(context)).session(session)
    view = await handle.reject(id, reason, by=by or login())
    printing.result(view, f"{session}: {id}: rejected", json=json)


@command
async def delegate(
    context: typer.Context,
    session: SessionId,
    id: ItemId,
    to: Annotated[list[str], argument("TO…", "Who answers instead: ids of people, or role:NAME.")],
    by: By = "",
    json: Json = False,
) -> None:
    """Let others answer instead.

    With --json: the session's view.
    """
    handle = (await connected(context)).session(session)
    view = await handle.delegate(id, to, by=by or login())
    printing.result(view, f"{session}: {id}: delegated to {', '.join(to)}", json=json)


def commands_to_answer(session: str, id: str, kind: str) -> list[str]:
    """Return the commands that answer an item."""
    where, item = shlex.quote(session), shlex.quote(id)
    if kind == "approval":
        return [f"holdfast approve {where} {item}", f"holdfast reject {where} {item} --reason …"]
    if kind == "budget":
        return [f"holdfast budget {where} --add-…", f"holdfast answer {where} {item} give-up"]
    if kind == "ticket":
        return [f"holdfast ticket settle {where} {item} 'result'", f"holdfast answer {where} {item} give-up"]
    text = "result" if kind == "effect" else "answer"
    words = f"holdfast answer {where} {item}"
    if kind == "handover":
        back = f"holdfast give-back {where} --note '…'"
        return [f"{words} confirm --text '{text}'", back, f"{words} give-up"]
    return [f"{words} confirm --text '{text}'", f"{words} retry", f"{words} give-up"]


def login() -> str:
    """Return the login name; empty if the system has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""


def _object(text: str) -> dict[str, Any]:
    try:
        found: Any = json_module.loads(text)
    except ValueError as error:
        fail(f"--arguments is not JSON: {error}", exits.BAD_INPUT)
    if not isinstance(found, dict):
        fail("--arguments is not a JSON object", exits.BAD_INPUT)
    return cast("dict[str, Any]", found)
