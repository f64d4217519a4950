"""One task, one message: ``run`` and ``send``."""

from __future__ import annotations

import asyncio
import json as json_module
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ..common import execution, exits, printing
from ..common.options import AgentName, Json, SessionId, Tenant, User, duration
from ..operations import effects

if TYPE_CHECKING:
    from rich.console import Console

    from holdfast_client.client import Client
    from holdfast_client.reply import Reply
    from holdfast_client.session import Session
    from holdfast_client.stream.events import StreamEvent
    from holdfast_workflows.contracts.session.session import SessionView

_REPORT_AFTER = 3.0
"""Seconds after which a run without a terminal reports what it waits for."""

Text = Annotated[str, typer.Argument(metavar="TEXT", help="What to say.", show_default=False)]
OutputFile = Annotated[
    Path | None,
    typer.Option("--output", metavar="SCHEMA.JSON", help="A JSON schema that the result must fit."),
]


def run(
    context: typer.Context,
    agent: AgentName,
    prompt: Text,
    output: OutputFile = None,
    tenant: Tenant = "",
    user: User = "",
    max_steps: Annotated[int | None, typer.Option(min=1, help="At most so many model calls.")] = None,
    id: Annotated[str | None, typer.Option(help="The session's id; the same twice is the same task.")] = None,
    json: Json = False,
) -> None:
    """Run one task and print its result.

    With --json: {"session", "status", "text", "output", "turn", "steps", "usage",
    "seconds", "error", "link"}; "output" is there with --output.
    """
    schema = _schema(output)

    async def work(client: Client) -> None:
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
        await _finish(client, session, json=json, schema=schema)

    execution.run(context, work, json=json)


def send(
    context: typer.Context,
    session: SessionId,
    text: Text,
    wait: Annotated[bool, typer.Option(help="Wait for the reply.")] = True,
    timeout: Annotated[
        str, typer.Option(metavar="TIME", help="Wait at most so long, as 30s or 5m.", show_default=False)
    ] = "",
    json: Json = False,
) -> None:
    """Send a message to a session and print the reply.

    With --json: as of run.
    """
    seconds = duration(timeout).total_seconds() if timeout else None

    async def work(client: Client) -> None:
        found = client.session(session)
        reply = await found.send(text, wait=False, streaming=wait and not printing.err().quiet)
        if reply.paused:
            from holdfast_client.requests.waiting import paused  # it imports Temporal

            sys.stderr.write(f"{paused(session, reply.turn)}\n")
        if wait:
            await _finish(client, found, json=json, turn=reply.turn, seconds=seconds)
        elif json:
            printing.document({"session": session, "status": reply.status, "turn": reply.turn})
        else:
            printing.out().print(f"turn {reply.turn} takes it")

    execution.run(context, work, json=json)


async def _finish(
    client: Client,
    session: Session,
    *,
    json: bool,
    turn: int | None = None,
    schema: Any = None,
    seconds: float | None = None,
) -> None:
    """Wait for a turn with its progress on standard error, and print what it came to."""
    link = printing.link(client, session.id)
    try:
        reply = await _within(session, turn, link, seconds)
    except asyncio.CancelledError:  # Ctrl-C ends the waiting, not the work
        where = shlex.quote(session.id)
        sys.stderr.write(f"{session.id} goes on: holdfast watch {where}, or holdfast cancel {where}\n")
        raise
    if json:
        value = {"session": session.id, **printing.plain(reply)}
        if schema is not None and reply.error is None:
            value["output"] = json_module.loads(reply.text)
        printing.document({**value, "link": link})
    elif reply.error is None:
        printing.out().print(printing.shown(reply.text), markup=False)
    if reply.error is not None:
        execution.fail(f"{session.id}: {printing.sentence(reply.error)}", exits.FAILED)


async def _within(session: Session, turn: int | None, link: str, seconds: float | None) -> Reply:
    if seconds is None or turn is None:
        return await _progress(session, turn, link)
    from holdfast_client.requests.bounded import bounded
    from holdfast_workflows.contracts.errors import TurnNotEnded

    try:
        return await bounded(_progress(session, turn, link), seconds)
    except TimeoutError:
        where = shlex.quote(session.id)
        raise TurnNotEnded(
            f"turn {turn} after {seconds:g} s; `holdfast watch {where}`, `holdfast cancel {where}`"
        ) from None


async def _progress(session: Session, turn: int | None, link: str) -> Reply:
    from holdfast_client.stream.events import StepEnded, TextDelta, ToolStarted, TurnEnded

    console = printing.err()
    console.print(f"[dim]{session.id} {link}[/]")
    if console.quiet:  # no terminal to show progress on
        return await _waited(session, turn)
    with console.status("starting") as spinner:
        steps, characters = 0, 0
        async for event in session.stream(turn=turn):
            match event:
                case TurnEnded():
                    return event.reply
                case StepEnded():
                    steps += 1
                    spinner.update(f"step {steps + 1}")
                case TextDelta():
                    characters += len(event.text)
                    spinner.update(f"step {steps + 1} · {characters:,} characters")
                case ToolStarted():
                    console.print(f"[dim]→ {event.name} {printing.shown(event.arguments)}[/]")
                    spinner.update(f"step {steps} · {event.name}")
                case _:
                    _print_wait(console, session.id, event)
    return await session.wait(turn, raise_on_error=False)


def _print_wait(console: Console, session: str, event: StreamEvent) -> None:
    """Print why a turn waits."""
    match event.kind:
        case "needs_person":
            console.print(f"[yellow]waits for a person: {printing.plain_cell(event.what)}[/]")
            for command in effects.to_type(session, event.id, event.about):
                console.print(f"  {command}", markup=False)
        case "waiting":
            console.print(f"[dim]waits: {printing.plain_cell(event.reason)}[/]")
        case "status" if event.status == "paused":
            console.print(f"[dim]paused; go on with: holdfast resume {shlex.quote(session)}[/]")
        case "status" if event.status == "retrying":
            console.print(f"[dim]retrying {printing.plain_cell(event.detail)}[/]")
        case _:
            pass


async def _waited(session: Session, turn: int | None) -> Reply:
    """Wait for a turn and report on standard error what it waits for."""
    from holdfast_workflows.contracts.errors import HoldfastError

    reply, printed = asyncio.ensure_future(session.wait(turn, raise_on_error=False)), ""
    try:
        while not (await asyncio.wait({reply}, timeout=_REPORT_AFTER))[0]:
            with suppress(HoldfastError):  # the wait itself says what goes wrong
                now = _wait_text(await session.view())
                if now not in ("", printed):
                    sys.stderr.write(f"{now}\n")
                    printed = now
        return await reply
    finally:
        reply.cancel()


def _wait_text(view: SessionView) -> str:
    lines = [f"{view.session} waits: {view.waiting_for}"] if view.waiting_for else []
    if view.status == "paused" and not view.pausing:
        lines.append(f"{view.session} is paused; go on with: holdfast resume {shlex.quote(view.session)}")
    for each in view.pending_decisions:
        lines.append(f"{view.session} waits for a person: {each.what}")
        lines += (f"  {command}" for command in effects.to_type(view.session, each.id, each.kind))
    return "\n".join(printing.shown(line) for line in lines)


def _schema(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        schema = json_module.loads(path.read_text())
    except OSError as error:
        execution.fail(f"{path}: {error.strerror}; give the path of a JSON schema", exits.BAD_INPUT)
    except ValueError as error:
        execution.fail(f"{path} is not JSON: {error}; give the path of a JSON schema", exits.BAD_INPUT)
    else:
        if isinstance(schema, dict):
            return cast("dict[str, Any]", schema)
        execution.fail(f"{path} is not a JSON schema of an object", exits.BAD_INPUT)
    return None
