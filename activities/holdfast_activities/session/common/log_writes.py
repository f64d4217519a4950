"""Log writes: entries for what the workflow has decided, and writes that survive a short database outage."""

import asyncio
import random
import time
from collections.abc import Sequence

from temporalio import activity

from holdfast_activities.debugging.recording import phase
from holdfast_activities.state.base import Log
from holdfast_activities.state.database import State
from holdfast_activities.state.log.extras import Charged, LogExtras
from holdfast_workflows.contracts.errors import StateBehind, StateUnavailable
from holdfast_workflows.contracts.session.entries import Entry, ResultEntry, UserEntry
from holdfast_workflows.contracts.session.steps import NewEntry, Wait
from holdfast_workflows.contracts.text.redaction import redact_known
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

    Returns the stored entries and the outcome of the charge: None without one, or if it is unknown. Raises
    StateUnavailable if the database did not answer in time.
    """
    with phase("log write"):
        return await _settle(log, session, entries, extras)


async def _settle(
    log: Log, session: str, entries: Sequence[Entry], extras: LogExtras | None
) -> tuple[list[Entry], Charged | None]:
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
        charge = extras.charge if extras else None
        if charge is not None and await _is_written(log, session, entries, deadline):
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


async def new_entries(
    state: State, session: str, new: Sequence[NewEntry], *, turn: int = 0, step: int = 0
) -> list[Entry]:
    """Build the entries for what the workflow has decided. ``turn`` is the one that answers them, if any.

    Raises StateBehind if a long text of that turn is not in the state database. For other turns its preview is used.
    """
    return [await _entry(state, session, one, turn, step) for one in new]


async def _entry(state: State, session: str, new: NewEntry, turn: int, step: int) -> Entry:
    if new.kind == "failed" or new.kind == "cancelled" or new.kind == "denied":
        return ResultEntry(
            seq=new.seq,
            turn=new.turn,
            step=step,
            call_id=new.call_id,
            name=new.name,
            text=new.text,
            status=new.kind,
        )
    text = new.text
    if new.ref:
        stored = await state.load_text(session, new.ref)
        if stored is None and new.turn == turn:
            raise StateBehind(f"text {new.ref} of session {session} is not in it")
        text = text if stored is None else stored
    return UserEntry(seq=new.seq, turn=new.turn, step=step, role=new.kind, text=redact_known(text))
