"""Running one tool function, the same way inside a burst and in an activity of its own."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from temporalio import activity

from holdfast_workflows.contracts.app import ToolBinding, ToolContext
from holdfast_workflows.contracts.entries import ResultEntry, ResultStatus
from holdfast_workflows.contracts.errors import (
    HoldfastError,
    ResultTooLarge,
    ToolArgumentsInvalid,
    ToolFailed,
)
from holdfast_workflows.contracts.limits import MAX_RESULT
from holdfast_workflows.contracts.text import clean, size

_logger = logging.getLogger("holdfast.tool")
_MAX_ERROR = 4_000


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


async def run(
    binding: ToolBinding, call: Call, seconds: float, heartbeat: Callable[[str], None]
) -> ResultEntry:
    """Run a tool once, for at most so many seconds.

    Raises:
        ToolFailed: It raised, timed out, or returned too much; arguments that do not fit are
            a result for the model, not an error.
    """
    began = time.monotonic()
    try:
        arguments = binding.validate(call.arguments)
    except ToolArgumentsInvalid as error:
        return result(call, error.detail, "invalid", began)
    context = ToolContext(
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
    )
    try:
        async with asyncio.timeout(seconds):
            text = await binding.call(arguments, context)
    except TimeoutError as error:
        raise ToolFailed(f"no result after {seconds:g} s") from error
    except HoldfastError:
        raise
    except Exception as error:
        raise ToolFailed(clean(f"{type(error).__name__}: {error}")[:_MAX_ERROR]) from error
    if size(text) > MAX_RESULT:
        raise ResultTooLarge(f"{size(text):,} bytes")
    return result(call, text, "ok", began)


def failed(call: Call, error: HoldfastError) -> ResultEntry:
    """What the model is told of a call that failed for good."""
    detail = error.detail or str(error)
    text = str(error) if isinstance(error, ResultTooLarge) else detail
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
