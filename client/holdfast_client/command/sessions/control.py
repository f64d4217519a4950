"""``pause``, ``resume``, ``steer``, ``cancel``, ``close`` and ``repin``."""

from __future__ import annotations

from typing import Annotated

import typer

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, SessionId, argument
from ..inbox.answers import login


@command
async def pause(context: typer.Context, session: SessionId, json: Json = False) -> None:
    """Start nothing new after the current step.

    With --json: the session's view.
    """
    view = await (await connected(context)).session(session).pause()
    done = f"pauses when the running step of turn {view.turn} has ended" if view.pausing else "paused"
    printing.result(view, f"{session}: {done}", json=json)


@command
async def resume(context: typer.Context, session: SessionId, json: Json = False) -> None:
    """Continue after a pause.

    With --json: the session's view.
    """
    view = await (await connected(context)).session(session).resume()
    printing.result(view, f"{session}: resumed", json=json)


@command
async def steer(
    context: typer.Context,
    session: SessionId,
    text: Annotated[str, argument("TEXT", "The model reads it at its next step.")],
    json: Json = False,
) -> None:
    """Add a message to the running turn.

    With --json: {"turn"}.
    """
    turn = await (await connected(context)).session(session).steer(text)
    printing.result({"turn": turn}, f"{session}: message added to turn {turn}", json=json)


@command
async def cancel(
    context: typer.Context,
    session: SessionId,
    reason: Annotated[str, typer.Option(help="The reason; stored with the turn.")] = "",
    by: Annotated[str, typer.Option(help="Who cancels; your login name by default.")] = "",
    json: Json = False,
) -> None:
    """Cancel the running turn and wait until its tools have ended.

    With --json: the turn's reply.
    """
    reply = await (await connected(context)).session(session).cancel(reason_of(reason, by))
    printing.result(reply, f"{session}: turn {reply.turn} {reply.status}", json=json)


def reason_of(reason: str, by: str = "") -> str:
    """Return the reason of a cancel with who cancels: ``by ann: the wrong order``."""
    who = by or login()
    return ": ".join(filter(None, (f"by {who}" if who else "", reason)))


@command
async def close(context: typer.Context, session: SessionId, json: Json = False) -> None:
    """End a session after its queued turns.

    With --json: the session's view.
    """
    view = await (await connected(context)).session(session).close()
    printing.result(view, f"{session}: closes after its queued turns", json=json)


@command
async def repin(context: typer.Context, session: SessionId, json: Json = False) -> None:
    """Pin the agent's newest tools, models and instructions.

    A running turn ends with its old ones. With --json: the session's view.
    """
    view = await (await connected(context)).session(session).repin()
    running = view.last is not None and view.last.status == "running"
    after = f" after turn {view.turn}" if running else ""
    printing.result(view, f"{session}: uses the newest {view.agent}{after}", json=json)
