"""Run a tool function, inline in ``think`` or in an activity of its own."""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.debugging.recording import tool_run
from holdfast_activities.resilience.classify import classify, without_secrets, words
from holdfast_activities.secrets.references import resolve
from holdfast_activities.tools.questions import Needed
from holdfast_activities.tracing import spans
from holdfast_workflows.contracts.agent.app import BEGIN, ToolBinding, ToolContext
from holdfast_workflows.contracts.errors import (
    EffectUnknown,
    HoldfastError,
    InvalidDeclaration,
    ResultNotText,
    ResultTooLarge,
    ToolFailed,
)
from holdfast_workflows.contracts.limits import MAX_RESULT
from holdfast_workflows.contracts.operations.instruments import Instruments
from holdfast_workflows.contracts.session.entries import ResultEntry, ResultStatus, ToolCall
from holdfast_workflows.contracts.session.steps import ActInput, ThinkInput
from holdfast_workflows.contracts.text.redaction import redact, redact_error
from holdfast_workflows.contracts.text.unicode import size
from holdfast_workflows.contracts.tools.session_values import OPENER, SessionValues
from holdfast_workflows.contracts.tools.tickets import TOKEN, TicketOpened

_logger = logging.getLogger("holdfast.tool")


@dataclass(frozen=True, slots=True)
class ToolRun:
    """One call of a tool."""

    session: str
    tenant: str
    agent: str
    turn: int
    step: int
    seq: int
    call_id: str
    name: str
    arguments: str
    key: str
    attempt: int = 1
    user: str = ""
    untrusted: bool = False
    root: str = ""

    @classmethod
    def of(
        cls, source: ThinkInput | ActInput, seq: int, step: int, call: ToolCall, key: str, attempt: int = 1
    ) -> "ToolRun":
        """The call ``seq`` of the session, turn, agent and user that an activity works for."""
        return cls(
            session=source.session,
            tenant=source.tenant,
            agent=source.agent,
            turn=source.turn,
            step=step,
            seq=seq,
            call_id=call.id,
            name=call.name,
            arguments=call.arguments,
            key=key,
            attempt=attempt,
            user=source.user,
            untrusted=isinstance(source, ActInput) and source.untrusted,
            root=source.root or source.session,
        )


_LARGE = 200_000
"""Characters from which a result is redacted in a thread."""

STOPPING = 2.0
"""Seconds that a cancelled function has to end after its time-out."""

CANCELLING = 10.0
"""Seconds after its time-out for which the end of a cancelled function is awaited; well within what the workflow
adds to a tool's time-out for its activity."""


class NotBegun(Exception):
    """The function was not called because it was too late, for example after the process was suspended."""


class Attempt:
    """One run of a tool's function, which must start by ``latest`` (``clock.steady``)."""

    def __init__(self, latest: float = math.inf) -> None:
        self.task: asyncio.Task[str] | None = None
        self.begun = False
        self.in_thread = False
        self._latest = latest
        self._thread = threading.get_ident()

    @property
    def ended(self) -> bool:
        return self.task is None or self.task.done()

    def stop(self) -> bool:
        """Cancel the function; False if it runs in a thread, which cannot be stopped and whose result counts."""
        return self.task is not None and not (self.begun and self.in_thread) and self.task.cancel()

    async def outcome(self) -> str | None:
        """Wait for the function's result; None if it raises."""
        if self.task is not None and not self.task.done():
            await asyncio.wait([self.task])
        return None if self.task is None or _failed_or_runs(self.task) else self.task.result()

    def begin(self) -> None:
        """Record that the function is called now; raise ``NotBegun`` if it is too late."""
        if clock.steady() > self._latest:
            raise NotBegun
        self.begun = True
        self.in_thread = threading.get_ident() != self._thread

    async def run(self, binding: ToolBinding, arguments: Mapping[str, Any], about: ToolContext) -> str:
        BEGIN.set(self.begin)
        return await binding.call(arguments, about)


async def run(
    binding: ToolBinding,
    call: ToolRun,
    arguments: Mapping[str, Any],
    seconds: float,
    heartbeat: Callable[[str], None],
    metrics: Instruments,
    attempt: Attempt | None = None,
) -> ResultEntry:
    """Run a tool with validated arguments, and record it in the metrics.

    A function that does not end after its time-out keeps running; ``attempt.ended`` is then false.

    Raises ToolFailed if it raised, timed out, or returned too much; EffectUnknown if it must happen once and
    timed out; NotBegun if it was too late to start it.
    """
    metered, debugged = _recorded(binding.spec.name, metrics), tool_run(call.name, call.arguments)
    with metered, debugged as debug, spans.tool_call(call, binding.spec) as span:
        try:
            entry = await _run(binding, call, arguments, seconds, heartbeat, attempt or Attempt())
        except (Needed, NotBegun):
            span.not_made()
            raise
        except TicketOpened:
            span.waits()
            raise
        span.ended(entry)
        debug(entry.status, entry.text)
        return entry


@contextmanager
def _recorded(tool: str, metrics: Instruments) -> Generator[None]:
    """Record the call that is made in the block, unless it was too late for it."""
    began, outcome = time.monotonic(), "cancelled"
    try:
        yield
        outcome = "ok"
    except NotBegun:
        outcome = ""
        raise
    except (Needed, TicketOpened):
        outcome = "waiting"
        raise
    except HoldfastError as error:
        outcome = error.code
        metrics.count("holdfast_errors_total", source="tool", kind=error.kind, code=error.code)
        raise
    finally:
        if outcome:
            metrics.count("holdfast_tool_calls_total", tool=tool, outcome=outcome)
            metrics.observe("holdfast_tool_call_seconds", time.monotonic() - began, tool=tool)


async def _run(
    binding: ToolBinding,
    call: ToolRun,
    arguments: Mapping[str, Any],
    seconds: float,
    heartbeat: Callable[[str], None],
    attempt: Attempt,
) -> ResultEntry:
    began = time.monotonic()
    # A separate task: a function that cannot be stopped must not block the call.
    task = attempt.task = asyncio.create_task(
        attempt.run(binding, arguments, context(call, heartbeat, binding.spec.secrets)),
        name=f"tool {call.name} of session {call.session}",
    )
    _keep(task)
    try:
        text = await _result(attempt, task, seconds)
    except _OutOfTime as error:
        raise (EffectUnknown if binding.spec.effect == "once" else ToolFailed)(str(error)) from error
    except NotBegun:
        raise
    except ToolFailed as error:
        without_secrets(error)
        raise
    except HoldfastError as error:
        raise ToolFailed(redact_error(str(error)), retryable=error.retryable) from error
    except Exception as error:
        known = classify(error, ToolFailed)
        late = binding.spec.effect == "once" and isinstance(error, TimeoutError)
        raise (EffectUnknown(words(error)) if late else known) from error
    if size(text) > MAX_RESULT:
        raise ResultTooLarge(f"{size(text):,} bytes")
    if large := len(text) > _LARGE:
        # In a thread, so that the other calls of the worker go on.
        text = await asyncio.to_thread(redact, text)
    return result(call, text, "ok", began, redacted=large)


class _OutOfTime(Exception):
    """A function timed out."""


async def _result(attempt: Attempt, task: asyncio.Task[str], seconds: float) -> str:
    """The function's result within its time-out, or shortly after if it cannot be stopped."""
    ends = time.monotonic() + seconds
    try:
        await asyncio.wait([task], timeout=seconds)
        late = not task.done()
        stopped = late and attempt.stop()
        if late:
            await asyncio.wait([task], timeout=STOPPING)
    except asyncio.CancelledError:
        await _cancelled(attempt, task, ends + CANCELLING - time.monotonic())
        if _failed_or_runs(task):
            raise
        return task.result()
    if not task.done():
        raise _OutOfTime(f"no result after {seconds:g} s, and it cannot be stopped: it may still be at work")
    if task.cancelled() or (stopped and _failed_or_runs(task)):
        raise _OutOfTime(f"no result after {seconds:g} s")
    return task.result()


def _failed_or_runs(task: asyncio.Task[str]) -> bool:
    """Whether a cancelled function has no result; an error raised after the cancel says nothing about its effect."""
    return not task.done() or task.cancelled() or task.exception() is not None


async def _cancelled(attempt: Attempt, task: asyncio.Task[str], left: float) -> None:
    """Cancel the function and wait a limited time for its end, so that it has no effect after the cancel."""
    ends = time.monotonic() + max(left, 0.0)
    while not task.done() and (left := ends - time.monotonic()) > 0:
        attempt.stop()
        # Further cancel requests are ignored.
        with suppress(asyncio.CancelledError):
            await asyncio.wait([task], timeout=left)


_kept = set[asyncio.Task[str]]()


def _keep(task: asyncio.Task[str]) -> None:
    """Reference a task until it ends, since the event loop does not, and retrieve its error."""
    _kept.add(task)
    task.add_done_callback(_ended)


def _ended(task: asyncio.Task[str]) -> None:
    _kept.discard(task)
    if not task.cancelled():
        task.exception()


def context(call: ToolRun, heartbeat: Callable[[str], None], secrets: Sequence[str]) -> ToolContext:
    """The context for a tool that declares these secrets."""

    def secret(reference: str) -> str:
        if reference not in secrets:
            raise InvalidDeclaration(
                f"tool {call.name!r} reads {reference!r}; declare it with @tool(secrets=[{reference!r}])"
            )
        return resolve(reference)

    return ToolContext(
        session=call.session,
        tenant=call.tenant,
        agent=call.agent,
        key=call.key,
        attempt=call.attempt,
        turn=call.turn,
        step=call.step,
        log=logging.LoggerAdapter(_logger, {"session": call.session, "tool": call.name, "key": call.key}),
        _heartbeat=heartbeat,
        _cancelled=activity.is_cancelled,
        user=call.user,
        _secret=secret,
        _untrusted=call.untrusted,
        _root=call.root,
        _token=TOKEN.get(),
        _state=_values(call),
        _trace=spans.headers,
    )


def _values(call: ToolRun) -> SessionValues | None:
    opener = OPENER.get()
    return SessionValues(opener(call.session, call.tenant, call.agent, call.key)) if opener else None


def cancelled_by_session() -> bool:
    """Whether the session cancelled the activity; otherwise its worker stops, or the server timed it out."""
    details = activity.cancellation_details()
    return details is not None and details.cancel_requested


def failed(call: ToolRun, error: HoldfastError) -> ResultEntry:
    """The result, for the model, of a call that failed finally."""
    detail = error.detail or str(error)
    text = str(error) if isinstance(error, (ResultTooLarge, ResultNotText)) else detail
    return result(call, f"error: {text}", "failed")


def result(
    call: ToolRun, text: str, status: ResultStatus, began: float | None = None, *, redacted: bool = False
) -> ResultEntry:
    """The log entry for a call's outcome, without secrets; ``began`` is by ``time.monotonic``."""
    return ResultEntry(
        seq=call.seq,
        turn=call.turn,
        step=call.step,
        at=clock.now(),
        call_id=call.call_id,
        name=call.name,
        text=text if redacted else redact(text),
        status=status,
        seconds=0.0 if began is None else round(time.monotonic() - began, 4),
    )
