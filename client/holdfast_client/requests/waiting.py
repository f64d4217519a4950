"""Wait for the end of a turn or session by repeated requests of limited length."""

from __future__ import annotations

import asyncio
import shlex
import time
from contextlib import suppress

from holdfast_client.operations import content
from holdfast_client.reply import Reply
from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.session.session import SessionView, TaskResult, TurnView, WaitTurn

from . import health
from .bounded import bounded
from .requests import Requests

_ENDED = frozenset({"done", "failed", "cancelled"})
_LONGEST = 15.0  # seconds of one request
_SOON = 0.05  # seconds after a request that was answered at the end of its time
_FIRST, _SLOWER, _SLOWEST = 0.25, 1.5, 2.0  # seconds after requests that are answered at once
_FOREVER = 1e9
_NO_EVENTS = 1 << 62
_SLICE = 10.0  # seconds between checks for a worker


async def turn(requests: Requests, session: str, number: int) -> TurnView:
    """Wait for a turn to end; SessionClosed if the session ends without it."""
    last_answer, pause = time.monotonic(), _SOON
    while True:
        try:
            view, delayed = await _ask(requests, session, number)
            if view.status in _ENDED:
                return view
            pause = _SOON if delayed else min(max(pause * _SLOWER, _FIRST), _SLOWEST)
            last_answer = time.monotonic()
        except errors.SessionNotFound:
            raise
        except errors.ServiceError:
            if time.monotonic() - last_answer > requests.timeout:
                raise
        await asyncio.sleep(pause)


async def turn_within(requests: Requests, session: str, number: int, seconds: float | None) -> TurnView:
    """Wait for a turn to end; TurnNotEnded after ``seconds``, with what the turn waits for."""
    if seconds is None:
        return await turn(requests, session, number)
    if not 0 < seconds < _FOREVER:
        raise errors.BadInput(f"timeout={seconds!r} must be more than 0 seconds")
    try:
        return await bounded(turn(requests, session, number), seconds)
    except TimeoutError:
        raise await _not_ended(requests, session, number, seconds) from None


async def _not_ended(requests: Requests, session: str, number: int, seconds: float) -> errors.TurnNotEnded:
    detail = f"turn {number} of {session} is still running after {seconds:g} s"
    with suppress(errors.HoldfastError):  # the detail is optional
        view = await requests.query(session, "view", _NO_EVENTS, SessionView)
        if view.status == "paused":
            detail = f"after {seconds:g} s {paused(session, number)}"
        elif view.waiting_for or view.pending_decisions:
            detail = f"{detail}; it waits: {view.waiting_for or view.pending_decisions[0].what}"
    return errors.TurnNotEnded(detail)


def paused(session: str, number: int) -> str:
    """Return the warning for a message that waits in a paused session."""
    where = shlex.quote(session)
    return (
        f"session {session} is paused: turn {number} begins when it is resumed, by `holdfast resume {where}`"
    )


async def _ask(requests: Requests, session: str, number: int) -> tuple[TurnView, bool]:
    """Return the turn, and whether the session delayed the answer until the turn or the wait ended."""
    wait = WaitTurn(turn=number, seconds=_LONGEST)
    try:
        return await requests.update(session, "wait_turn", wait, TurnView, _LONGEST), True
    except errors.NothingToDo:
        # The session has only its last turns; older ones are in the state database.
        if (stored := await content.turn(requests, session, number)) is None:
            raise
        return stored, False
    except (errors.SessionBusy, errors.SessionClosed) as error:
        # All waiting slots are taken, or the session is paused or has ended.
        view = await requests.turn(session, number)
        if isinstance(error, errors.SessionClosed) and (view is None or view.status not in _ENDED):
            # The session's own error says more than errors.SessionClosed.
            raise error.__cause__ if isinstance(error.__cause__, errors.HoldfastError) else error from None
        if view is None and (view := await content.turn(requests, session, number)) is None:
            raise
        return view, False


async def end(requests: Requests, session: str) -> TaskResult:
    """Wait for a session to end; raise its error if it failed."""
    last_answer = time.monotonic()
    while True:
        try:
            return await requests.result(session, min(_SLICE, requests.timeout))
        except TimeoutError:
            await health.expect_worker(requests, await requests.describe(session))
            last_answer = time.monotonic()
        except errors.TemporalUnreachable:
            if time.monotonic() - last_answer > requests.timeout:
                raise


async def reply(requests: Requests, session: str, view: TurnView) -> Reply:
    """Return the reply of a turn with its full text."""
    if view.reply_size > INLINE_TEXT:
        return Reply.of(view, await content.text(requests, session, view.reply_seq))
    return Reply.of(view, view.reply)
