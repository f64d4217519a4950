"""Log writes that survive a short database outage: they hold replies that were paid for, and effects that happened."""

import asyncio
import random
import time
from collections.abc import Sequence

from temporalio import activity

from holdfast_activities.state.base import Log
from holdfast_activities.state.log.extras import Charged, LogExtras
from holdfast_workflows.contracts.errors import StateUnavailable
from holdfast_workflows.contracts.session.entries import Entry
from holdfast_workflows.contracts.session.steps import Wait
from holdfast_workflows.contracts.text.unicode import preview

HOLD_ON = 10.0
"""Seconds for which a write is retried. Afterwards the attempt fails and its outcome is lost: the activity's
time is limited, and by then this worker itself may be disconnected."""

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
    log: Log, session: str, entries: Sequence[Entry], extras: LogExtras | None = None
) -> tuple[list[Entry], Charged | None]:
    """Call ``Log.settle``, with side writes if given, and retry while the database does not answer.

    Returns:
        The stored entries, and the outcome of the charge: None without one, or if it is unknown.

    Raises:
        StateUnavailable: The database did not answer in time.
    """
    deadline = time.monotonic() + HOLD_ON
    while True:
        try:
            if extras is None:
                return await log.settle(session, entries), None
            settled = await log.settle_with(session, entries, extras)
            return settled.entries, settled.charged
        except StateUnavailable as error:
            if time.monotonic() > deadline:
                raise
            activity.logger.warning("%s; the write is retried", error)
        await asyncio.sleep(_PAUSE)
        if (
            extras is not None
            and extras.charge is not None
            and await _is_written(log, session, entries, deadline)
        ):
            # The write succeeded, with its side writes. Writing the charge again would charge it twice.
            extras = None


async def _is_written(log: Log, session: str, entries: Sequence[Entry], deadline: float) -> bool:
    """Whether a write that seemed to fail has succeeded."""
    while entries and time.monotonic() < deadline:
        last = entries[-1]
        try:
            return await log.read(session, last.seq, last.seq + 1) == [last]
        except StateUnavailable:
            await asyncio.sleep(_PAUSE)
    return False
