"""The clocks that activities go by.

Times that one worker writes and another compares come from one clock, that of the Temporal server: the clocks
of machines differ, and the database's is not used. Every activity brings the server's time with it,
so it costs no request. What begins and ends within one process is measured by monotonic clocks.
"""

import sys
import time
from collections import deque
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

_CLOSE: Final = 1.0
"""Seconds by which a machine's clock may differ and be taken for right: the server's time takes a moment
to arrive."""

_KEPT: Final = 50
"""Activities from whose beginnings the server's time is known; a server whose clock is set back is followed
after as many."""


def steady() -> float:
    """Seconds of a monotonic clock that goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


class _Server:
    """The server's clock, by how far it is ahead of the steady one."""

    def __init__(self) -> None:
        self._seen = deque[float](maxlen=_KEPT)
        self._ahead: float | None = None

    def observe(self, at: float) -> None:
        # A time arrives late, never early: the largest difference is the most exact.
        self._seen.append(at - steady())
        self._ahead = max(self._seen)

    def now(self) -> float:
        own = time.time()
        if self._ahead is None:
            return own
        shared = steady() + self._ahead
        return own if abs(shared - own) < _CLOSE else shared


_server = _Server()


def observe(at: float) -> None:
    """Take note of the server's time, in seconds since 1970, as an activity that begins now tells it."""
    _server.observe(at)


def now() -> float:
    """Seconds since 1970 by the Temporal server's clock; by the machine's own before the first activity."""
    return _server.now()


def stated(headers: Mapping[str, str]) -> float:
    """Seconds since 1970 by the clock of who answered so, since the dates in its answer are of that clock."""
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return now()


class ServerTime(Interceptor):
    """For workers: takes note of the server's time with each activity that begins."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Before anything else of the activity."""
        return _Noted(next)


class _Noted(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        observe(activity.info().started_time.timestamp())
        return await super().execute_activity(input)
