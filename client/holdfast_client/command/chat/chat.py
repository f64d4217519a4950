"""``chat``: talk to an agent and control its turns."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Tenant, User, argument, words_before
from ..sessions.control import reason_of
from . import decisions
from .lines import QUIT, ChatInput, LineInput

if TYPE_CHECKING:
    from holdfast_client.client import Client
    from holdfast_client.session import Session
    from holdfast_client.stream.events import StreamEvent
    from holdfast_workflows.contracts.session.session import SessionView

_COMMANDS: Final = ["/pause", "/resume", "/steer", "/cancel", "/help", QUIT]
_HELP: Final = "/pause, /resume, /steer TEXT, /cancel, /quit; anything else is a message"
_LAST_REQUESTS: Final = 2.0
"""Seconds that requests in flight get when the chat is left."""


@command
async def chat(
    context: typer.Context,
    agent: Annotated[str, argument("[AGENT]", "The agent's name.")] = "",
    session: Annotated[str, typer.Option(help="Continue this session.")] = "",
    tenant: Tenant = "",
    user: User = "",
    json: Json = False,
) -> None:
    """Talk to an agent; its text is printed as it arrives.

    During a turn: /pause, /resume, /steer TEXT, /cancel; /quit ends the chat, and the turn goes on.
    When a turn waits for your decision: confirm TEXT, retry, give-up, raise tokens 5000.

    With --json: each line of standard input is a message, and each event of its turn is a line of
    output; "kind" is its type.
    """
    if not agent and not session:
        raise typer.BadParameter("give an AGENT to start a session, or --session to continue one")
    client = await connected(context)
    await Chat(client, words_before(context), agent, session, tenant, user, json=json).run()


class Chat:
    """A conversation: reads lines while the turns are shown."""

    def __init__(
        self, client: Client, program: str, agent: str, session: str, tenant: str, user: str, *, json: bool
    ) -> None:
        self._client = client
        self._program = program
        self._agent = agent
        self._tenant = tenant
        self._user = user
        self._session: Session | None = client.session(session) if session else None
        self._json = json
        self._turns: asyncio.Queue[int | None] = asyncio.Queue()
        self._pending = ""
        self._requests: set[asyncio.Task[None]] = set()
        self._input = self._make_input()

    def _make_input(self) -> ChatInput:
        terminal = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        if self._json or not terminal:
            return LineInput()
        from .terminal import TerminalInput  # only a terminal needs prompt_toolkit

        return TerminalInput([*_COMMANDS, *decisions.WORDS], self._explain)

    async def run(self) -> None:
        """Read lines until the input ends or /quit; after the end of the input, show the queued turns."""
        view = await self._joined()
        try:
            async with self._input:
                await self._greet(view)
                await self._converse()
        finally:
            if self._session is not None:
                printing.err().print(f"[dim]continue with:[/] {escape(self._come_back())}")

    async def _converse(self) -> None:
        display = asyncio.create_task(self._show_turns())
        try:
            while (line := await _next(self._input.lines, display)) != QUIT:
                if line is None:
                    await self._turns.put(None)
                    await display
                    break
                if line:
                    await self._take(self._do(line))
            if self._requests:
                await asyncio.wait(self._requests, timeout=_LAST_REQUESTS)
        finally:
            display.cancel()

    async def _joined(self) -> SessionView | None:
        """Check the agent; return the view of a session that is continued."""
        from holdfast_workflows.contracts.errors import BadInput, SessionClosed, UnknownAgent

        if self._session is None:
            served = [info.name for info in await self._client.agents()]
            if self._agent not in served:
                raise UnknownAgent(f"{self._agent}; valid names are {', '.join(served) or 'none'}")
            return None
        view = await self._session.view()
        if self._agent not in {"", view.agent}:
            raise BadInput(
                f"session {view.session} is of agent {view.agent!r}, not {self._agent!r}; "
                f"continue it with `{self._come_back(view.agent)}`"
            )
        self._agent = view.agent
        if view.status in {"closed", "failed", "cancelled"}:
            raise SessionClosed(
                f"{view.session}; start one with `{self._program} chat {shlex.quote(view.agent)}`"
            )
        return view

    async def _greet(self, view: SessionView | None) -> None:
        if view is None:
            self._note(f"{self._agent} · /help lists what you can type")
            self._input.set_status("/help, /quit")
            return
        self._note(f"{view.agent} · {view.session} · {view.status}")
        last = view.last
        if last is not None and last.status == "running":
            await self._turns.put(view.turn)
        elif last is not None:
            self._note(f"turn {last.turn} {last.status}: {last.request}")
            if last.reply:
                self._note(last.reply)
        self._input.set_status(_status(view.status))

    def _come_back(self, agent: str = "") -> str:
        session = "" if self._session is None else f" --session {shlex.quote(self._session.id)}"
        return f"{self._program} chat {shlex.quote(agent or self._agent)}{session}"

    def _explain(self) -> None:
        if self._session is None:
            self._note("Ctrl-C again leaves")
        else:
            leaves = "Ctrl-C again leaves; a running turn goes on (/cancel stops it); come back with:"
            self._input.note(leaves, self._come_back())

    async def _take(self, request: Coroutine[Any, Any, None]) -> None:
        """Await a request; print its error, since it may be possible later."""
        from holdfast_workflows.contracts.errors import BadInput, HoldfastError

        try:
            await request
        except HoldfastError as error:
            if not (self._input.asks or isinstance(error, BadInput)):
                raise
            if self._json:
                printing.document({"error": error})
            else:
                self._note(printing.sentence(error))

    async def _do(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if self._session is None:
            await self._start(line)
        elif (
            decision := decisions.word_of(word, asked=self._input.asks and bool(self._pending))
        ) is not None:
            await decisions.answer(self._session, decision, rest)
        elif word.startswith("/"):
            await self._control(self._session, word, rest)
        elif self._input.asks and self._pending:
            self._note(f"not sent: the turn waits for your decision: {self._pending}")
        else:
            reply = await self._session.send(line, wait=False, streaming=True)
            if reply.paused:
                self._note("the session is paused: the message is queued; continue with /resume")
            await self._turns.put(reply.turn)

    async def _start(self, line: str) -> None:
        if line.startswith("/"):
            self._note(f"send a message first; {_HELP}")
            return
        self._session = await self._client.start(
            self._agent, line, tenant=self._tenant, user=self._user, streaming=True
        )
        self._input.note("", f"{self._session.id} {printing.link(self._client, self._session.id)}".rstrip())
        await self._turns.put(1)

    async def _control(self, session: Session, word: str, rest: str) -> None:
        match word:
            case "/pause":
                view = await session.pause()
                self._note("pausing after this step" if view.pausing else "paused; continue with /resume")
                self._input.set_status(_status("pausing" if view.pausing else "paused"))
            case "/resume":
                self._note("resumed")
                self._input.set_status(_status((await session.resume()).status))
            case "/steer":
                await session.steer(rest)
                self._note("the model reads it at its next step")
            case "/cancel":
                # In the background, since running tools end first and the input must stay open.
                self._note("cancelling: the turn ends when its running tools have ended")
                request = asyncio.create_task(self._take(_cancel(session, rest)))
                self._requests.add(request)
                request.add_done_callback(self._requests.discard)
            case _:
                self._note(_HELP)

    async def _show_turns(self) -> None:
        while (turn := await self._turns.get()) is not None:
            assert self._session is not None
            async for event in self._session.stream(turn=turn):
                self._show(event)

    def _show(self, event: StreamEvent) -> None:
        if self._json:
            printing.document(event)
        else:
            self._input.screen.show(event)
        match event.kind:
            case "needs_person":
                self._pending = decisions.CHOICES[event.about]
                self._note(f"decide: {self._pending}")
                self._input.set_status("waits for your decision · /cancel, /quit")
            case "decided" | "budget" | "turn_ended":
                self._pending = ""
                self._input.set_status(_status("idle" if event.kind == "turn_ended" else "running"))
            case "turn_started" | "waiting":
                self._input.set_status(_status("running" if event.kind == "turn_started" else "waiting"))
            case "status" if not self._pending:
                self._input.set_status(_status(event.status))
            case _:
                pass

    def _note(self, text: str) -> None:
        self._input.note(text)


async def _cancel(session: Session, reason: str) -> None:
    await session.cancel(reason_of(reason))


def _status(status: str) -> str:
    """Return the line above the input."""
    commands = {
        "running": "/pause, /steer TEXT, /cancel, /quit",
        "waiting": "/cancel, /quit",
        "paused": "/resume, /quit",
        "pausing": "/resume, /cancel, /quit",
    }
    return f"{status.replace('_', ' ')} · {commands.get(status, '/help, /quit')}"


async def _next(lines: asyncio.Queue[str | None], display: asyncio.Task[None]) -> str | None:
    """Return the next line, or raise the error of the task that shows the turns."""
    line = asyncio.ensure_future(lines.get())
    await asyncio.wait({line, display}, return_when=asyncio.FIRST_COMPLETED)
    if not line.done():
        line.cancel()
        await display  # it runs until cancelled, so this raises its error
    return await line
