"""Control of a session: pause, resume, steer, cancel, close and repin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..common import execution, printing
from ..common.options import Json, SessionId

if TYPE_CHECKING:
    from holdfast_client.client import Client
    from holdfast_client.session import Session
    from holdfast_workflows.contracts.session.session import SessionView


def pause(context: typer.Context, session: SessionId, json: Json = False) -> None:
    """Start nothing new after the current step.

    With --json: the session's view.
    """
    _do(context, session, _paused, lambda found: found.pause(), json=json)


def resume(context: typer.Context, session: SessionId, json: Json = False) -> None:
    """Continue after a pause.

    With --json: the session's view.
    """
    _do(context, session, "goes on", lambda found: found.resume(), json=json)


def steer(
    context: typer.Context,
    session: SessionId,
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="What the model reads at its next step.", show_default=False)
    ],
    json: Json = False,
) -> None:
    """Add a message to the running turn.

    With --json: {"turn"}.
    """

    async def work(found: Session) -> Any:
        return {"turn": await found.steer(text)}

    _do(context, session, "steered", work, json=json)


def cancel(
    context: typer.Context,
    session: SessionId,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the turn.")] = "",
    json: Json = False,
) -> None:
    """Cancel the running turn and wait until its tools have ended.

    With --json: the turn's reply.
    """
    _do(context, session, "turn cancelled", lambda found: found.cancel(reason), json=json)


def close(context: typer.Context, session: SessionId, json: Json = False) -> None:
    """End a session after the turns it has.

    With --json: the session's view.
    """
    _do(context, session, "closes after the turns it has", lambda found: found.close(), json=json)


def repin(context: typer.Context, session: SessionId, json: Json = False) -> None:
    """Take the agent's newest tools, models and instructions.

    A turn that runs ends with those it began with. With --json: the session's view.
    """
    _do(context, session, _repinned, lambda found: found.repin(), json=json)


def _do(
    context: typer.Context,
    session: str,
    done: str | Callable[[Any], str],
    action: Callable[[Session], Awaitable[Any]],
    *,
    json: bool,
) -> None:
    async def work(client: Client) -> None:
        result = await action(client.session(session))
        if json:
            printing.document(result)
        else:
            message = done if isinstance(done, str) else done(result)
            printing.out().print(f"{session}: {message}", markup=False)

    execution.run(context, work, json=json)


def _paused(view: SessionView) -> str:
    if not view.pausing:
        return "paused"
    return f"pauses when the step of turn {view.turn} that runs has ended; nothing new starts after it"


def _repinned(view: SessionView) -> str:
    running = view.last is not None and view.last.status == "running"
    return f"goes on with the newest {view.agent}" + (f" after turn {view.turn}" if running else "")
