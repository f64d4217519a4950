"""``run`` one task, or ``send`` one message."""

from __future__ import annotations

import asyncio
import json as json_module
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from holdfast_workflows.contracts import exits

from ..common import printing
from ..common.execution import command, connected, fail
from ..common.options import AgentName, Json, SessionId, Tenant, User, argument, duration
from ..common.screen import Screen
from ..inbox import answers

if TYPE_CHECKING:
    from holdfast_client.client import Client
    from holdfast_client.reply import Reply
    from holdfast_client.session import Session
    from holdfast_workflows.contracts.session.session import SessionView

_REPORT_AFTER = 3.0
"""Seconds after which a run without a terminal reports what it waits for."""

Text = Annotated[str, argument("TEXT", "The message.")]
OutputFile = Annotated[
    Path | None,
    typer.Option("--output", metavar="SCHEMA.JSON", help="A JSON schema that the result must fit."),
]


@command
async def run(
    context: typer.Context,
    agent: AgentName,
    prompt: Text,
    output: OutputFile = None,
    tenant: Tenant = "",
    user: User = "",
    max_steps: Annotated[int | None, typer.Option(min=1, help="The maximum number of model calls.")] = None,
    id: Annotated[
        str | None, typer.Option(help="The session's id; the same id again is the same task.")
    ] = None,
    json: Json = False,
) -> None:
    """Run one task and print its result.

    With --json: {"session", "status", "text", "output", "turn", "steps", "usage",
    "seconds", "error", "paused", "link"}; "output" is null without an output type.
    """
    schema = _schema(output)
    client = await connected(context)
    session = await client.start_task(
        agent,
        prompt,
        id=id,
        tenant=tenant,
        user=user,
        output_type=schema,
        max_steps=max_steps,
        streaming=not printing.err().quiet,
    )
    await _finish(client, session, json=json)


@command
async def send(
    context: typer.Context,
    session: SessionId,
    text: Text,
    wait: Annotated[bool, typer.Option(help="Wait for the reply.")] = True,
    timeout: Annotated[  # noqa: ASYNC109 - the turn continues after it
        str, typer.Option(metavar="TIME", help="The maximum wait, as 30s or 5m.", show_default=False)
    ] = "",
    json: Json = False,
) -> None:
    """Send a message to a session and print the reply.

    With --json: as of run.
    """
    seconds = duration(timeout).total_seconds() if timeout else None
    client = await connected(context)
    handle = client.session(session)
    reply = await handle.send(text, wait=False, streaming=wait and not printing.err().quiet)
    if reply.paused:
        from holdfast_client.requests.waiting import paused  # it imports Temporal

        sys.stderr.write(f"{paused(session, reply.turn)}\n")
    if wait:
        await _finish(client, handle, json=json, turn=reply.turn, seconds=seconds)
    else:
        value = {"session": session, "status": reply.status, "turn": reply.turn}
        printing.result(value, f"queued for turn {reply.turn}", json=json)


async def _finish(
    client: Client,
    session: Session,
    *,
    json: bool,
    turn: int | None = None,
    seconds: float | None = None,
) -> None:
    """Wait for a turn with its progress on standard error, and print the reply."""
    from holdfast_client.requests.bounded import bounded
    from holdfast_workflows.contracts.errors import TurnNotEnded

    link, where = printing.link(client, session.id), shlex.quote(session.id)
    try:
        waiting = _progress(session, turn, link)
        reply = await (waiting if seconds is None else bounded(waiting, seconds))
    except TimeoutError:
        raise TurnNotEnded(
            f"turn {turn} after {seconds or 0:g} s; `holdfast watch {where}`, `holdfast cancel {where}`"
        ) from None
    except asyncio.CancelledError:  # Ctrl-C ends the waiting, not the work
        printing.note(f"{session.id} continues: `holdfast watch {where}`, or `holdfast cancel {where}`")
        raise
    if json:
        printing.document({"session": session.id, **printing.plain(reply), "link": link})
    elif reply.error is None:
        printing.indented(printing.out(), reply.text)
    if reply.error is not None:
        fail(f"{session.id}: {printing.sentence(reply.error)}", exits.FAILED)


async def _progress(session: Session, turn: int | None, link: str) -> Reply:
    console = printing.err()
    console.print(f"[dim]{session.id} {link}[/]")
    if console.quiet:  # no terminal to show progress on
        return await _wait_and_report(session, turn)
    screen = Screen(console, session=session.id)
    with console.status("starting") as spinner:
        step, characters = 1, 0
        async for event in session.stream(turn=turn):
            match event.kind:
                case "turn_ended":
                    return event.reply
                case "step_ended":
                    step += 1
                    spinner.update(f"step {step}")
                case "text":
                    characters += len(event.text)
                    spinner.update(f"step {step} · {characters:,} characters")
                case "tool_started" | "needs_person" | "waiting" | "status":
                    screen.show(event)
                case _:
                    pass
    return await session.wait(turn, raise_on_error=False)


async def _wait_and_report(session: Session, turn: int | None) -> Reply:
    """Wait for a turn and report on standard error what it waits for."""
    from holdfast_workflows.contracts.errors import HoldfastError

    reply, printed = asyncio.ensure_future(session.wait(turn, raise_on_error=False)), ""
    try:
        while not (await asyncio.wait({reply}, timeout=_REPORT_AFTER))[0]:
            with suppress(HoldfastError):  # the wait itself raises what is wrong
                now = _wait_text(await session.view())
                if now not in ("", printed):
                    sys.stderr.write(f"{now}\n")
                    printed = now
        return await reply
    finally:
        # Its error is retrieved, or asyncio prints that it was not.
        reply.add_done_callback(lambda done: done.cancelled() or done.exception())
        reply.cancel()


def _wait_text(view: SessionView) -> str:
    lines = [f"{view.session} waits: {view.waiting_for}"] if view.waiting_for else []
    if view.status == "paused" and not view.pausing:
        lines.append(f"{view.session} is paused; resume with: holdfast resume {shlex.quote(view.session)}")
    for each in view.inbox:
        lines.append(f"{view.session} waits for a person: {each.what}")
        lines += (f"  {words}" for words in answers.commands_to_answer(view.session, each.id, each.kind))
    return "\n".join(printing.shown(line) for line in lines)


def _schema(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        schema = json_module.loads(path.read_text("utf-8"))
    except OSError as error:
        fail(f"{path}: {error.strerror}; give the path of a JSON schema", exits.BAD_INPUT)
    except ValueError as error:
        fail(f"{path} is not JSON: {error}; give the path of a JSON schema", exits.BAD_INPUT)
    if not isinstance(schema, dict):
        fail(f"{path} is not a JSON schema of an object", exits.BAD_INPUT)
    return cast("dict[str, Any]", schema)
