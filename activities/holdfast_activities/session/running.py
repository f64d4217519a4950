"""Running one tool function, the same way inside a burst and in an activity of its own."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from temporalio import activity

from holdfast_activities.resilience.classify import classify, words
from holdfast_workflows.contracts.app import ToolBinding, ToolContext
from holdfast_workflows.contracts.entries import ResultEntry, ResultStatus
from holdfast_workflows.contracts.errors import (
    EffectUnknown,
    HoldfastError,
    ResultNotText,
    ResultTooLarge,
    ToolArgumentsInvalid,
    ToolFailed,
)
from holdfast_workflows.contracts.limits import MAX_RESULT
from holdfast_workflows.contracts.text import size

_logger = logging.getLogger("holdfast.tool")


@dataclass(frozen=True, slots=True)
class Call:
    """One call as its tool will see it."""

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


async def run(
    binding: ToolBinding, call: Call, seconds: float, heartbeat: Callable[[str], None]
) -> ResultEntry:
    """Run a tool once, for at most so many seconds.

    Raises:
        ToolFailed: It raised, timed out, or returned too much; arguments that do not fit are
            a result for the model, not an error.
    """
    try:
        arguments = binding.validate(call.arguments)
    except ToolArgumentsInvalid as error:
        return result(call, error.detail, "invalid", time.monotonic())
    return await carry_out(binding, call, arguments, seconds, heartbeat)


async def carry_out(
    binding: ToolBinding,
    call: Call,
    arguments: Mapping[str, Any],
    seconds: float,
    heartbeat: Callable[[str], None],
) -> ResultEntry:
    """Run a tool with arguments that were validated.

    Raises:
        EffectUnknown: It must happen once, and ran out of time: nobody has seen its end.
        ToolFailed: It raised, timed out, or returned too much.
    """
    began, limit = time.monotonic(), asyncio.timeout(seconds)
    try:
        async with limit:
            text = await binding.call(arguments, context(call, heartbeat))
    except TimeoutError as error:
        said = f"no result after {seconds:g} s" if limit.expired() else words(error)
        raise (EffectUnknown if binding.spec.effect == "once" else ToolFailed)(said) from error
    except ToolFailed:
        raise
    except HoldfastError as error:
        raise ToolFailed(str(error), retryable=error.retryable) from error
    except Exception as error:
        raise classify(error, ToolFailed) from error
    if size(text) > MAX_RESULT:
        raise ResultTooLarge(f"{size(text):,} bytes")
    return result(call, text, "ok", began)


def context(call: Call, heartbeat: Callable[[str], None]) -> ToolContext:
    """What the tool may know of its call."""
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
    )


def cancelled_by_session() -> bool:
    """Whether the session cancelled the activity; else its worker stops, or the server gave it up."""
    details = activity.cancellation_details()
    return details is not None and details.cancel_requested


def failed(call: Call, error: HoldfastError) -> ResultEntry:
    """What the model is told of a call that failed for good."""
    detail = error.detail or str(error)
    text = str(error) if isinstance(error, (ResultTooLarge, ResultNotText)) else detail
    return result(call, f"error: {text}", "failed", time.monotonic())


def result(call: Call, text: str, status: ResultStatus, began: float) -> ResultEntry:
    """The entry for a call's outcome."""
    return ResultEntry(
        seq=call.seq,
        turn=call.turn,
        step=call.step,
        at=time.time(),
        call_id=call.call_id,
        name=call.name,
        text=text,
        status=status,
        seconds=round(time.monotonic() - began, 4),
    )
