"""A handle for one session."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from functools import partial
from typing import Generic

from holdfast_client.debugging.methods import DebuggingMethods
from holdfast_client.evaluation.methods import ForkMethods
from holdfast_client.operations import effects, trees
from holdfast_client.operations.stored import content, retention
from holdfast_client.operations.stored.boards import BoardClient
from holdfast_client.operations.trees import SessionTree
from holdfast_client.requests import waiting
from holdfast_client.requests.errors import bad_input
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts.agent.budget import RaiseBudget
from holdfast_workflows.contracts.agent.spec import WhenBusy
from holdfast_workflows.contracts.errors import BadInput, NothingToDo, SessionClosed
from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.operations.retention import Removed
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.session.entries import Entry
from holdfast_workflows.contracts.session.session import Accepted, SessionView, TurnView
from holdfast_workflows.contracts.tools.session_values import SessionValue

from . import messages
from .answers import AnswerMethods
from .reply import Output, OutT, Reply
from .stream.events import StreamEvent, TurnEnded
from .stream.position import Position
from .stream.streaming import Stream
from .tickets.settling import TicketMethods

_log = logging.getLogger(__name__)


@public
class Session(AnswerMethods, TicketMethods, DebuggingMethods, ForkMethods, Generic[OutT]):
    """A handle for one session, made by ``Client.start`` or ``Client.session`` without a request."""

    def __init__(
        self,
        requests: Requests,
        id: str,
        turn: int | None = None,
        *,
        streaming: bool = False,
        lingers: bool = False,
        output: Output[OutT] | None = None,
    ) -> None:
        self._requests = requests
        self._id = id
        self._turn = turn
        self._streaming = streaming
        self._lingers = lingers
        self._output: Output[OutT] = output or Output()

    @property
    def id(self) -> str:
        """The session's id, which is its workflow's."""
        return self._id

    @property
    def board(self) -> BoardClient:
        """The board that the session shares with its tree: the session that started it, and those they start."""
        return BoardClient(self._requests, session=self._id)

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
        timeout: float | None = None,  # noqa: ASYNC109 # the error says what the turn waits for
    ) -> Reply[OutT]:
        """Send a message and wait for its turn.

        A paused session queues the message until it is resumed; this logs a warning.

        Args:
            text: The message; up to 1,000,000 bytes.
            when_busy: ``queue``, ``reject`` or ``interrupt`` while a turn is running; the agent's setting by default.
            wait: False to return at once, with the reply's status ``queued``.
            streaming: Publish text in small pieces, for a ``stream`` of the turn.
            id: The message's id; of messages with the same id, the session takes one.
            timeout: Seconds to wait for the turn's end; no limit by default.

        Raises:
            TurnNotEnded: The turn is still running after ``timeout``.
            SessionClosed: The session has ended.
            SessionBusy: A turn is running and ``when_busy`` is ``reject``.
            MessageTooLarge: The message is over its limit.
            HoldfastError: The turn failed, with the error's own class.
        """
        waiting.checked(timeout)  # before the message is sent
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
    ) -> Reply[OutT]:
        """Wait for a turn to end and return its reply.

        Args:
            turn: The turn's number; the last turn by default.
            timeout: Seconds to wait; no limit by default.
            raise_on_error: False to return a failed or cancelled turn, with the error in ``reply.error``.

        Raises:
            TurnNotEnded: The turn is still running after ``timeout``.
            HoldfastError: The turn failed or was cancelled, with the error's own class.
        """
        number = await self._last_turn() if turn is None else waiting.checked_turn(turn)
        view = await waiting.turn_within(self._requests, self._id, number, timeout)
        reply = await waiting.reply(self._requests, self._id, view, self._output)
        return reply.check() if raise_on_error else reply

    def stream(
        self,
        text: str | None = None,
        *,
        turn: int | None = None,
        after: str | None = None,
        when_busy: WhenBusy | None = None,
        timeout: float | None = None,
    ) -> AsyncGenerator[StreamEvent]:
        """Follow a turn to its end: of ``text``, which is sent first, of ``turn``, or after an event.

        By default follow the running turn, or the last one, from its beginning. After a lost connection
        give the ``id`` of the last event: what follows it comes once. A failed turn ends with ``TurnEnded``, too.

        Args:
            text: The message to send.
            turn: The turn's number.
            after: The id of an event, ``event.id``; in another process, too.
            when_busy: What the message does while a turn is running.
            timeout: Seconds to follow; no limit by default.

        Raises:
            BadInput: ``after`` is not the id of an event of this session.
            TurnNotEnded: The turn is still running after ``timeout``.
            HoldfastError: The session ended without that turn, with the error it ended with.
        """
        if text is not None and after:
            raise BadInput(
                "a stream takes a text or after=…, not both: leave out the text to continue a turn"
            )
        at = Position.decode(after, self._id) if after else None
        number = (at.followed if at else None) if turn is None else waiting.checked_turn(turn)
        return self._stream(text, number, at, when_busy, waiting.checked(timeout))

    async def _stream(
        self,
        text: str | None,
        turn: int | None,
        at: Position | None,
        when_busy: WhenBusy | None,
        timeout: float | None,  # noqa: ASYNC109 # as of send
    ) -> AsyncGenerator[StreamEvent]:
        if text is not None:
            turn = (await self._send(text, when_busy, id=None, streaming=True)).turn
        number = turn or await self._last_turn()
        at = at or Position.before(number)
        if at.ended >= number:
            return
        # A message sent with streaming=True has started small pieces; a later stream must request them.
        streaming, self._streaming = self._streaming, False
        stream = Stream(self._requests, self._id, at, streaming=streaming, output=self._output)
        back, ended = f"stream(turn={number}, after=event.id)", False
        late = partial(waiting.late, self._requests, self._id, number, back)
        async for event in waiting.each_within(stream.events(last=number), timeout, late):
            ended = ended or (isinstance(event, TurnEnded) and event.turn >= number)
            yield event
        if not ended:
            await waiting.end(self._requests, self._id)
            raise SessionClosed(f"{self._id} ended before turn {number}")

    def watch(self, *, after: str | None = None, timeout: float | None = None) -> AsyncGenerator[StreamEvent]:
        """Follow the session from the turn that runs, or the next one, until it is closed.

        ``after`` and ``timeout``, and what they raise, are as of ``stream``.
        """
        return self._watch(Position.decode(after, self._id) if after else None, waiting.checked(timeout))

    async def _watch(
        self,
        at: Position | None,
        timeout: float | None,  # noqa: ASYNC109 # as of send
    ) -> AsyncGenerator[StreamEvent]:
        if at is None:
            view = await self.view()
            running = view.last is not None and view.last.status == "running"
            at = Position.before(view.turn if running else view.turn + 1)
        stream, back = Stream(self._requests, self._id, at, output=self._output), "watch(after=event.id)"
        late = partial(waiting.late, self._requests, self._id, at.followed, back, of_session=True)
        async for event in waiting.each_within(stream.events(), timeout, late):
            yield event

    async def view(self, since: int | None = None) -> SessionView:
        """Return the session's state, with its events from number ``since`` on; without events by default."""
        return await self._requests.query(
            self._id, "view", waiting.NO_EVENTS if since is None else since, SessionView
        )

    async def log(self, start: int = 0) -> AsyncGenerator[Entry]:
        """Yield every message, reply and result from a sequence number on, long texts as previews.

        Entries that end a cancelled or failed turn are written shortly after its end.
        """
        async for entry in content.log(self._requests, self._id, start):
            yield entry

    async def transcript(self, start: int = 0) -> AsyncGenerator[Entry]:
        """Yield every message, reply and result from a sequence number on, with full texts."""
        async for entry in content.log(self._requests, self._id, start):
            yield await content.whole(self._requests, self._id, entry)

    async def turns(self) -> AsyncGenerator[TurnView]:
        """Yield every turn that has begun, with its status, error, usage and times; long texts as previews."""
        async for turn in content.turns(self._requests, self._id, (await self.view()).turn):
            yield turn

    async def turn(self, number: int) -> TurnView:
        """Return one turn, queued, running or ended; long texts as previews.

        Raises:
            NothingToDo: The session has no such turn.
        """
        waiting.checked_turn(number)
        view = await self._requests.turn(self._id, number)
        view = view or await content.turn(self._requests, self._id, number)
        if view is None:
            raise NothingToDo(f"session {self._id} has no turn {number}")
        return view

    async def steer(self, text: str) -> int:
        """Add a message that the running turn reads at its next step; NothingToDo if none is running."""
        return (await self._requests.update(self._id, "steer", text, Accepted)).turn

    async def pause(self) -> SessionView:
        """Start nothing new after the current step; the view's ``pausing`` is true while it is running."""
        return await self._requests.update(self._id, "pause", None, SessionView)

    async def resume(self) -> SessionView:
        """Continue after ``pause``."""
        return await self._requests.update(self._id, "resume", None, SessionView)

    async def repin(self) -> SessionView:
        """Pin the agent's current spec: tools, models, instructions and limits.

        Otherwise a session keeps the spec it started with. A running turn ends with its old spec. The
        budget and an ``output_type`` given at the start stay.

        Raises:
            UnknownAgent: The workers no longer serve the agent.
            SessionClosed: The session has ended.
        """
        return await self._requests.update(self._id, "repin", None, SessionView)

    async def cancel(
        self,
        reason: str = "",
        *,
        timeout: float | None = None,  # noqa: ASYNC109 # as of send
    ) -> Reply[OutT]:
        """Cancel the running turn, wait until its tools have ended, and return its reply.

        The reply's status is ``cancelled``, or ``done`` if the turn ended first.

        Raises:
            NothingToDo: No turn is running.
            TurnNotEnded: Its tools are still running after ``timeout`` seconds; the turn stays cancelled.
            HoldfastError: The turn had failed, with the error's own class.
        """
        waiting.checked(timeout)  # before the turn is cancelled
        view = await self._requests.update(self._id, "cancel_turn", reason, TurnView)
        reply = await self.wait(view.turn, timeout=timeout, raise_on_error=False)
        return reply if reply.status == "cancelled" else reply.check()

    async def raise_budget(
        self,
        *,
        tokens: int = 0,
        dollars: float = 0.0,
        steps: int = 0,
        tool_calls: int = 0,
        seconds: float = 0.0,
    ) -> SessionView:
        """Raise limits of the session's budget by these amounts; a turn that waits for this continues.

        Raises:
            BadInput: The session has no such limit, or all amounts are 0.
        """
        with bad_input():
            by = RaiseBudget(
                tokens=tokens, dollars=dollars, steps=steps, tool_calls=tool_calls, seconds=seconds
            )
        return await self._requests.update(self._id, "raise_budget", by, SessionView)

    async def effects(self) -> tuple[EffectView, ...]:
        """Return the session's entries in the effect ledger, in order."""
        return await effects.effects(self._requests, self._id)

    async def tree(self, *, limit: int = trees.LIMIT) -> SessionTree:
        """Return the tree that the session belongs to, from its first session on. A new session may be missing for a
        second.

        Args:
            limit: The maximum number of sessions; of more, the newest are returned.

        Raises:
            BadInput: ``limit`` is less than 1.
        """
        if limit < 1:
            raise BadInput(f"limit={limit} must be at least 1")
        return await trees.tree(self._requests, self._id, limit)

    async def state(self, key: str = "") -> tuple[SessionValue, ...]:
        """Return the values that the session's tools keep with ``ctx.state``, by key; with ``key`` only that one."""
        return await content.values(self._requests, self._id, key)

    async def removed(self) -> tuple[Removed, ...]:
        """Return what retention has removed of the session."""
        return await retention.removed(self._requests, self._id)

    async def close(self) -> SessionView:
        """Refuse further messages; the session ends after its queued turns."""
        return await self._requests.update(self._id, "close", None, SessionView)

    async def result(
        self,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 # as of send
    ) -> Reply[OutT]:
        """Wait for the session's end and return its last turn's reply.

        A task started through this handle returns before its memories are written.

        Raises:
            TurnNotEnded: The session is still open after ``timeout`` seconds; no limit by default.
            HoldfastError: The session failed, or its last turn did.
        """
        if self._lingers:
            return await self.wait(timeout=timeout)
        result = await waiting.within(
            waiting.end(self._requests, self._id),
            timeout,
            lambda: waiting.late(self._requests, self._id, self._turn or 1, "result()", of_session=True),
        )
        if result.last is None:
            return Reply(text="", turn=0, status="done")
        return (await waiting.reply(self._requests, self._id, result.last, self._output)).check()

    async def _send(
        self, text: str, when_busy: WhenBusy | None, *, id: str | None, streaming: bool
    ) -> Accepted:
        message = await messages.prepare(
            self._requests,
            self._id,
            text,
            id=id or messages.new_id("m"),
            when_busy=when_busy,
            streaming=streaming,
        )
        accepted = await self._requests.update(self._id, "send", message, Accepted)
        self._turn, self._streaming = accepted.turn, streaming
        return accepted

    async def _last_turn(self) -> int:
        """Return the running turn, else the last one, else 1."""
        if self._turn is not None:
            return self._turn
        return max(1, (await self.view()).turn)
