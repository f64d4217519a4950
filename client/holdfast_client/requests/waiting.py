"""Wait for the end of a turn or session by repeated requests of limited length."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar, cast

from holdfast_client.operations.stored import content
from holdfast_client.reply import Output, OutT, Reply, reply_of
from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.session.session import SessionView, TaskResult, TurnView, WaitTurn

from . import health
from .bounded import bounded, is_number
from .requests import Requests

T = TypeVar("T")
Seconds = TypeVar("Seconds", bound=float | None)

_ENDED = frozenset({"done", "failed", "cancelled"})
_LONGEST = 15.0  # seconds of one request
_SOON = 0.05  # seconds after a request that was answered at the end of its time
_FIRST, _SLOWER, _SLOWEST = 0.25, 1.5, 2.0  # seconds after requests that are answered at once
_FOREVER = 1e9
NO_EVENTS = 1 << 62
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
    back = f"wait({number})"
    return await within(
        turn(requests, session, number), seconds, lambda: late(requests, session, number, back)
    )


async def within(
    call: Coroutine[Any, Any, T], seconds: float | None, error: Callable[[], Awaitable[errors.TurnNotEnded]]
) -> T:
    """Await a call; raise the error after ``seconds``. None is no limit."""
    try:
        limit = checked(seconds)
        return await (call if limit is None else bounded(call, limit))
    except TimeoutError:
        raise await error() from None
    finally:
        call.close()  # it was never awaited if the timeout was refused


async def each_within(
    values: AsyncGenerator[T], seconds: float | None, error: Callable[[], Awaitable[errors.TurnNotEnded]]
) -> AsyncGenerator[T]:
    """Yield values; raise the error ``seconds`` after the first was requested. None is no limit."""
    end = time.monotonic() + (_FOREVER if seconds is None else checked(seconds))
    done = object()

    async def following() -> T | object:
        return await anext(values, done)

    while True:
        try:
            value = await (following() if seconds is None else bounded(following(), end - time.monotonic()))
        except TimeoutError:
            raise await error() from None
        if value is done:
            return
        yield cast("T", value)


def checked(seconds: Seconds) -> Seconds:
    """Return a timeout, or None for no limit; BadInput if it is not a number over 0."""
    if seconds is not None and not is_number(seconds, 0, _FOREVER):
        raise errors.BadInput(f"timeout={seconds!r} must be more than 0 seconds; leave it out for no limit")
    return seconds


def checked_turn(number: int) -> int:
    """Return a turn's number; BadInput if it is not a whole number from 1."""
    if type(number) is not int or number < 1:
        raise errors.BadInput(
            f"turn={number!r} must be a whole number from 1; leave it out for the last turn"
        )
    return number


async def late(
    requests: Requests, session: str, number: int, back: str, *, of_session: bool = False
) -> errors.TurnNotEnded:
    """Return the error of a wait that timed out: what the turn waits for, and the call ``back`` to it."""
    what = (
        f"session {session} is still open"
        if of_session
        else f"turn {number} of session {session} is still running"
    )
    with suppress(errors.HoldfastError):  # the reason is optional
        view = await requests.query(session, "view", NO_EVENTS, SessionView)
        if view.status == "paused":
            what = paused(session, number)
        elif view.waiting_for or view.inbox:
            what = f"{what}; it waits: {view.waiting_for or view.inbox[0].what}"
    error = errors.TurnNotEnded(f"{what}; come back with client.session({session!r}).{back}")
    error.session, error.turn = session, number
    return error


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
    await requests.expect_visible(session)
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


async def reply(requests: Requests, session: str, view: TurnView, output: Output[OutT]) -> Reply[OutT]:
    """Return the reply of a turn with its full text."""
    long = view.reply_size > INLINE_TEXT
    text = await content.text(requests, session, view.reply_seq) if long else view.reply
    return reply_of(view, text, output)
