"""One session, as its user holds it."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import Literal

from pydantic import ValidationError

from holdfast_workflows.contracts.budget import RaiseBudget
from holdfast_workflows.contracts.context import Manifest
from holdfast_workflows.contracts.effects import Decision, EffectView
from holdfast_workflows.contracts.entries import Entry
from holdfast_workflows.contracts.errors import BadInput, NothingToDo, SessionClosed, SessionNotFound
from holdfast_workflows.contracts.session import Accepted, SessionView, TurnView
from holdfast_workflows.contracts.spec import WhenBusy
from holdfast_workflows.contracts.text import preview

from . import content, messages, state, waiting
from .reply import Reply
from .stream.events import StreamEvent, TurnEnded
from .stream.streaming import Stream
from .wire import Wire

_log = logging.getLogger(__name__)


class Session:
    """A session: a handle that costs nothing, and may be made anew from the id at any time."""

    def __init__(
        self,
        wire: Wire,
        id: str,
        turn: int | None = None,
        *,
        streaming: bool = False,
        lingers: bool = False,
    ) -> None:
        """Made by ``Client.start`` and ``Client.session``."""
        self._wire = wire
        self._id = id
        self._turn = turn
        self._watched = streaming
        self._lingers = lingers

    @property
    def id(self) -> str:
        """The session's id, which is its workflow's."""
        return self._id

    def __repr__(self) -> str:
        return f"Session({self._id!r})"

    async def send(
        self,
        text: str,
        *,
        when_busy: WhenBusy | None = None,
        wait: bool = True,
        streaming: bool = False,
        id: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 # the error says what goes on, as a cancellation cannot
    ) -> Reply:
        """Send a message and wait for the turn that takes it.

        A paused session takes the message, and begins the turn when it is resumed; a warning in the log
        says so.

        Args:
            text: The message; up to 1,000,000 bytes.
            when_busy: ``queue``, ``reject`` or ``interrupt`` a turn that runs; as the agent says by default.
            wait: False to return at once, with the reply's status ``queued``.
            streaming: Have text come in small pieces, for a ``stream`` of its turn.
            id: The message's id, to send it again without its being taken twice.
            timeout: Seconds to wait for the turn's end; by default as long as it takes.

        Raises:
            TurnNotEnded: The turn goes on after ``timeout``.
            SessionClosed: The session has ended.
            SessionBusy: A turn runs, and messages are to be rejected meanwhile.
            MessageTooLarge: The message is over its limit.
            HoldfastError: The turn failed, with the error's own class.
        """
        accepted = await self._send(text, when_busy, id=id, streaming=streaming)
        if not wait:
            return Reply(text="", turn=accepted.turn, status="queued", paused=accepted.paused)
        if accepted.paused:
            _log.warning("%s", waiting.paused(self._id, accepted.turn))
        return await self.wait(accepted.turn, timeout=timeout)

    async def wait(
        self,
        turn: int | None = None,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 # as of send
        raise_on_error: bool = True,
    ) -> Reply:
        """Wait for a turn to end and return its reply.

        Args:
            turn: The turn's number; the last turn by default.
            timeout: Seconds to wait; no limit by default.
            raise_on_error: False to return a failed or cancelled turn, with the error in ``reply.error``.

        Raises:
            TurnNotEnded: The turn is still running after ``timeout``.
            HoldfastError: The turn failed or was cancelled, with the error's own class.
        """
        number = await self._last_turn() if turn is None else turn
        view = await waiting.turn_within(self._wire, self._id, number, timeout)
        reply = await waiting.reply(self._wire, self._id, view)
        return reply.check() if raise_on_error else reply

    async def stream(
        self, text: str | None = None, *, turn: int | None = None, when_busy: WhenBusy | None = None
    ) -> AsyncGenerator[StreamEvent]:
        """Follow a turn from its beginning to its end.

        With a text it is sent first and its turn followed. Without, it is the turn of
        that number, by default the one that runs, or the last one; what has been said so
        far comes first, so a client that lost its connection asks again and misses nothing.

        Raises:
            HoldfastError: The session ended without that turn, with the error it ended with.
        """
        if text is not None:
            turn = (await self._send(text, when_busy, id=None, streaming=True)).turn
        elif turn is None:
            turn = await self._last_turn()
        # A message sent as watched has told the session; what comes later must say so itself.
        watched, self._watched = self._watched, False
        over = False
        async for event in Stream(self._wire, self._id, turn, watched=watched).events(last=turn):
            over = over or (isinstance(event, TurnEnded) and event.turn >= turn)
            yield event
        if not over:
            await waiting.end(self._wire, self._id)
            raise SessionClosed(f"{self._id} ended before turn {turn}")

    async def watch(self) -> AsyncGenerator[StreamEvent]:
        """Follow the session from the turn that runs, or the next one, until it is closed."""
        view = await self.view()
        running = view.last is not None and view.last.status == "running"
        first = view.turn if running else view.turn + 1
        async for event in Stream(self._wire, self._id, first).events():
            yield event

    async def view(self, since: int | None = None) -> SessionView:
        """The session at a glance, with its events from number ``since`` on; by default without."""
        return await self._wire.query(self._id, "view", _NO_EVENTS if since is None else since, SessionView)

    async def log(self, start: int = 0) -> AsyncGenerator[Entry]:
        """Every message, reply and result from a sequence number on; long texts as previews.

        What the end of a cancelled or failed turn adds comes a moment after that end.
        """
        async for entry in content.log(self._wire, self._id, start):
            yield entry

    async def transcript(self, start: int = 0) -> AsyncGenerator[Entry]:
        """Every message, reply and result from a sequence number on, whole."""
        async for entry in content.log(self._wire, self._id, start):
            yield await content.whole(self._wire, self._id, entry)

    async def steer(self, text: str) -> int:
        """Say something to the turn that runs; the model reads it at its next step. Returns the turn.

        Raises:
            NothingToDo: No turn runs.
        """
        return (await self._wire.update(self._id, "steer", text, Accepted)).turn

    async def pause(self) -> SessionView:
        """Start nothing new after the current step, until ``resume``.

        The view's ``pausing`` says that a step runs, and that the pause takes hold when it has ended.
        """
        return await self._wire.update(self._id, "pause", None, SessionView)

    async def resume(self) -> SessionView:
        """Go on after ``pause``."""
        return await self._wire.update(self._id, "resume", None, SessionView)

    async def repin(self) -> SessionView:
        """Take the newest spec of the agent, as the workers have it now: tools, models, instructions, limits.

        The session began with the spec of that time and keeps it otherwise. A turn that runs ends with
        the one that it began with. The budget stays, and so does an output shape given at the start.

        Raises:
            UnknownAgent: The workers serve no such agent any more.
            SessionClosed: The session has ended.
        """
        return await self._wire.update(self._id, "repin", None, SessionView)

    async def cancel(self, reason: str = "") -> Reply:
        """Cancel the running turn and wait until its tools have ended.

        Returns:
            The turn's reply, which is not raised: ``status`` is ``cancelled`` and ``error`` says why.

        Raises:
            NothingToDo: No turn is running.
        """
        view = await self._wire.update(self._id, "cancel_turn", reason, TurnView)
        return await self.wait(view.turn, raise_on_error=False)

    async def raise_budget(
        self,
        *,
        tokens: int = 0,
        dollars: float = 0.0,
        steps: int = 0,
        tool_calls: int = 0,
        seconds: float = 0.0,
    ) -> SessionView:
        """Allow the session more than its budget does now; a turn that waits for that goes on.

        Each is by how much the limit is raised, not what it becomes.

        Raises:
            BadInput: The session has no such limit, or nothing is raised.
        """
        try:
            by = RaiseBudget(
                tokens=tokens, dollars=dollars, steps=steps, tool_calls=tool_calls, seconds=seconds
            )
        except ValidationError as error:
            raise BadInput(preview(str(error))) from error
        return await self._wire.update(self._id, "raise_budget", by, SessionView)

    async def resolve(
        self, id: str, action: Literal["confirm", "retry", "give_up"], *, text: str = "", by: str = ""
    ) -> SessionView | None:
        """Say how to go on with something that waits for a person; ``view().waiting`` tells what does.

        A call of which nobody knows whether it happened may be settled or given up afterwards, too: when its
        turn was cancelled, or the session has ended. That goes into the effect ledger, with who said so and
        when; the model is not told, and an ``undo`` of the call's tool is not called.

        Args:
            id: The waiting thing's id, or the key of a call in the effect ledger.
            action: ``confirm``: it happened, and ``text`` is what came of it, or the answer to the
                user. ``retry``: do it again, or ask again. ``give_up``: go on without it.
            text: What ``confirm`` needs.
            by: Who decides; it is kept with the effect.

        Returns:
            The session at a glance; None if the server keeps nothing of it any more.

        Raises:
            NothingToDo: Nothing of that id waits or is unknown.
            BadInput: ``confirm`` without a text.
        """
        if action == "confirm" and not text.strip():
            raise BadInput(
                "confirm needs a text (`--text`): what came of it, which the model or the user is told"
            )
        try:
            decision = Decision(id=id, action=action, text=text, by=by)
        except ValidationError as error:
            raise BadInput(preview(str(error))) from error
        try:
            return await self._wire.update(self._id, "resolve", decision, SessionView)
        except (NothingToDo, SessionClosed, SessionNotFound) as refused:
            if not id.startswith(("effect-", f"{self._id}-")):
                raise
            ended = not isinstance(refused, NothingToDo)
        await state.decide_effect(self._wire, self._id, decision, ended=ended)
        try:
            return await self.view()
        except SessionNotFound:
            return None

    async def effects(self) -> tuple[EffectView, ...]:
        """What the session's calls did to the world, in their order."""
        return await state.effects(self._wire, self._id)

    async def prompts(self) -> AsyncGenerator[Manifest]:
        """How the prompt of each model call was made, in order."""
        async for manifest in content.prompts(self._wire, self._id):
            yield manifest

    async def prompt(self, step: int | None = None, *, turn: int | None = None) -> Manifest:
        """How the prompt of one step was made: what went in, what did not, and why.

        Args:
            step: The step within its turn; the last one by default.
            turn: The turn; by default the last one that has such a step.

        Raises:
            NothingToDo: There was no such model call.
        """
        return await content.prompt(self._wire, self._id, step, turn)

    async def close(self) -> SessionView:
        """Take no more messages; the session ends after the turns it has."""
        return await self._wire.update(self._id, "close", None, SessionView)

    async def result(self) -> Reply:
        """Wait for the session's end, and return its last turn's reply.

        A task that was started through this handle is not waited for while it is remembered.

        Raises:
            HoldfastError: The session failed, or its last turn did.
        """
        if self._lingers:
            return await self.wait()
        result = await waiting.end(self._wire, self._id)
        if result.last is None:
            return Reply(text="", turn=0, status="done")
        return (await waiting.reply(self._wire, self._id, result.last)).check()

    async def _send(
        self, text: str, when_busy: WhenBusy | None, *, id: str | None, streaming: bool
    ) -> Accepted:
        message = await messages.prepare(
            self._wire,
            self._id,
            text,
            id=id or messages.new_id("m"),
            when_busy=when_busy,
            streaming=streaming,
        )
        accepted = await self._wire.update(self._id, "send", message, Accepted)
        self._turn, self._watched = accepted.turn, streaming
        return accepted

    async def _last_turn(self) -> int:
        """The turn that runs, else the last one, else the first to come."""
        if self._turn is not None:
            return self._turn
        return max(1, (await self.view()).turn)


_NO_EVENTS = 1 << 62
