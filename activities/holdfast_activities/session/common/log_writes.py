"""Writing what was paid for, or done to the world: it is in hand, and must not be lost to a database that is away for a moment."""

import asyncio
import random
import time
from collections.abc import Sequence

from temporalio import activity

from holdfast_activities.state.base import Log
from holdfast_activities.state.log.extras import Charged, LogExtras
from holdfast_workflows.contracts.entries import Entry
from holdfast_workflows.contracts.errors import StateUnavailable
from holdfast_workflows.contracts.steps import Wait
from holdfast_workflows.contracts.text import preview

HOLD_ON = 10.0
"""Seconds for which a write is tried again. Afterwards the attempt fails, and what it had is lost with it:
the activity's own time is not for waiting, and by then the worker itself may be what is cut off."""

_PAUSE = 0.25

_ASK_AGAIN = (2.0, 4.0)  # seconds


def away(error: StateUnavailable) -> Wait:
    """The wait for a state database that does not answer."""
    return Wait(
        seconds=random.uniform(*_ASK_AGAIN),
        reason=f"the state database does not answer: {preview(error.detail)}",
        kind="state",
        error_code=error.code,
    )


async def settle(
    log: Log, session: str, entries: Sequence[Entry], riders: LogExtras | None = None
) -> tuple[list[Entry], Charged | None]:
    """``Log.settle``, with riders if there are any; a database that does not answer is asked again for a while.

    Returns:
        What is stored, and what became of the charge: None if there was none, or nobody knows.

    Raises:
        StateUnavailable: It did not come back in time.
    """
    deadline = time.monotonic() + HOLD_ON
    while True:
        try:
            if riders is None:
                return await log.settle(session, entries), None
            settled = await log.settle_with(session, entries, riders)
            return settled.entries, settled.charged
        except StateUnavailable as error:
            if time.monotonic() > deadline:
                raise
            activity.logger.warning("%s; what was to be written is kept and written again", error)
        await asyncio.sleep(_PAUSE)
        if (
            riders is not None
            and riders.charge is not None
            and await _is_written(log, session, entries, deadline)
        ):
            # It was done all the same, with the riders: a charge made twice is paid twice.
            riders = None


async def _is_written(log: Log, session: str, entries: Sequence[Entry], deadline: float) -> bool:
    """Whether a write that seemed to fail was done."""
    while entries and time.monotonic() < deadline:
        last = entries[-1]
        try:
            return await log.read(session, last.seq, last.seq + 1) == [last]
        except StateUnavailable:
            await asyncio.sleep(_PAUSE)
    return False
