"""Debug mode of a session, and the records that it makes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta

from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.operations.debugging import (
    MAX_DEBUG,
    DebugPage,
    DebugRecord,
    ReadDebug,
    SetDebug,
)
from holdfast_workflows.contracts.session.session import SessionView


async def turn_on(requests: Requests, session: str, duration: timedelta, by: str) -> SessionView:
    """Turn debug mode on."""
    seconds = duration.total_seconds()
    if not 1 <= seconds <= MAX_DEBUG:
        raise BadInput(f"duration={duration} must be from one second to {timedelta(seconds=MAX_DEBUG)}")
    return await requests.update(session, "debug", SetDebug(seconds=seconds, by=by), SessionView)


async def turn_off(requests: Requests, session: str, by: str) -> SessionView:
    """Turn debug mode off."""
    return await requests.update(session, "debug", SetDebug(seconds=0, by=by), SessionView)


async def records(requests: Requests, session: str) -> AsyncGenerator[DebugRecord]:
    """Yield a session's records in the order of time."""
    await requests.describe(session)
    after, more = "", True
    while more:
        ask = ReadDebug(session=session, after=after)
        page = await requests.activity(names.READ_DEBUG, ask, DebugPage, session=session)
        for record in page.records:
            yield record
        after, more = page.next, bool(page.next)
