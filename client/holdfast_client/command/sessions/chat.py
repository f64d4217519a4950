"""``chat``: talk to an agent and control its turns."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Tenant, User, argument
from ..common.screen import Screen
from . import chat_decisions

if TYPE_CHECKING:
    from holdfast_client.client import Client
    from holdfast_client.session import Session
    from holdfast_client.stream.events import StreamEvent

_HELP = "/pause, /resume, /steer TEXT, /cancel, /quit; anything else is a message"


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

    During a turn: /pause, /resume, /steer TEXT, /cancel; /quit ends the chat. When a turn waits for
    your decision: /confirm TEXT, /retry, /give-up, /raise tokens 5000, as the chat then shows.

    With --json: each line of standard input is a message, and each event of its turn is a line of
    output; "kind" is its type.
    """
    if bool(agent) == bool(session):
        raise typer.BadParameter("give an AGENT to start a session, or --session to continue one")
    await Chat(await connected(context), agent, session, tenant, user, json=json).run()


class Chat:
    """A conversation in a terminal: reads lines while the turns are shown."""

    def __init__(
        self, client: Client, agent: str, session: str, tenant: str, user: str, *, json: bool
    ) -> None:
        self._client = client
        self._agent = agent
        self._tenant = tenant
        self._user = user
        self._session: Session | None = client.session(session) if session else None
        self._json = json
        self._notes = printing.err()
        self._screen = Screen(printing.out())
        self._turns: asyncio.Queue[int | None] = asyncio.Queue()

    async def run(self) -> None:
        """Read lines until the input ends or /quit; after the end of the input, show the queued turns."""
        await self._greet()
        lines = _lines()
        display = asyncio.create_task(self._show_turns())
        try:
            while (line := await _next(lines, display)) != "/quit":
                if line is None:
                    await self._turns.put(None)
                    await display
                    break
                if line:
                    await self._take(line)
        finally:
            display.cancel()
        if self._session is not None:
            self._note(f"continue with: holdfast chat --session {self._session.id}")

    async def _greet(self) -> None:
        if self._session is not None:
            view = await self._session.view()
            self._note(f"{view.agent} · {view.session} · {view.status}")
            if view.pending_decisions:
                await self._turns.put(view.turn)
            return
        from holdfast_workflows.contracts.errors import UnknownAgent

        served = [info.name for info in await self._client.agents()]
        if self._agent not in served:
            raise UnknownAgent(f"{self._agent}; valid names are {', '.join(served) or 'none'}")
        self._note(f"{self._agent} · {_HELP}")

    async def _take(self, line: str) -> None:
        from holdfast_workflows.contracts.errors import BadInput

        try:
            await self._do(line)
        except BadInput as error:  # it may be possible later
            if self._json:
                printing.document({"error": error})
            else:
                self._note(str(error))

    async def _do(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if self._session is None:
            if word.startswith("/"):
                self._note("send a message first")
                return
            self._session = await self._client.start(
                self._agent, line, tenant=self._tenant, user=self._user, streaming=True
            )
            self._note(f"{self._session.id} {printing.link(self._client, self._session.id)}")
            await self._turns.put(1)
            return
        match word:
            case "/pause":
                await self._session.pause()
            case "/resume":
                await self._session.resume()
            case "/steer":
                await self._session.steer(rest)
            case "/cancel":
                await self._session.cancel(rest)
            case "/confirm" | "/retry" | "/give-up" | "/raise":
                self._note(await chat_decisions.answer(self._session, word, rest))
            case _ if word.startswith("/"):
                self._note(_HELP)
            case _:
                reply = await self._session.send(line, wait=False, streaming=True)
                if reply.paused:
                    self._note("the session is paused: the message is queued; continue with /resume")
                await self._turns.put(reply.turn)

    async def _show_turns(self) -> None:
        while (turn := await self._turns.get()) is not None:
            assert self._session is not None
            async for event in self._session.stream(turn=turn):
                self._show(event)

    def _show(self, event: StreamEvent) -> None:
        if self._json:
            printing.document(event)
        else:
            self._screen.show(event)
        if event.kind == "needs_person":
            self._note(chat_decisions.CHOICES[event.about])

    def _note(self, text: str) -> None:
        self._screen.end()
        self._notes.print(f"[dim]{printing.shown(text)}[/]")


async def _next(lines: asyncio.Queue[str | None], display: asyncio.Task[None]) -> str | None:
    """Return the next line, or raise the error of the task that shows the turns."""
    line = asyncio.ensure_future(lines.get())
    await asyncio.wait({line, display}, return_when=asyncio.FIRST_COMPLETED)
    if not line.done():
        line.cancel()
        await display  # it runs until cancelled, so this raises its error
    return await line


def _lines() -> asyncio.Queue[str | None]:
    """Read standard input in a thread; None is its end."""
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def put(line: bytes) -> None:
        loop.call_soon_threadsafe(lines.put_nowait, line.decode(errors="replace").strip())

    def read() -> None:
        rest = b""
        # Not sys.stdin: a thread that waits in it holds its lock, and the interpreter cannot end.
        while part := os.read(0, 65_536):
            *complete, rest = (rest + part).split(b"\n")
            for line in complete:
                put(line)
        if rest:
            put(rest)
        loop.call_soon_threadsafe(lines.put_nowait, None)

    # A daemon: a thread that waits for a line cannot be stopped and must not delay the exit.
    threading.Thread(target=read, daemon=True).start()
    return lines
