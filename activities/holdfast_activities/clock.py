"""The clocks of activities.

Times that one worker writes and another compares are by the clock of the Temporal server, since the clocks
of machines differ. Every activity brings the server's time with it, so it costs no request. Durations within
one process are measured by a clock that cannot be set.
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
"""Seconds by which a machine's clock may differ and still be used: the server's time arrives with a delay."""

_KEPT: Final = 50
"""Activities whose starts are compared. A server whose clock is set back is followed after as many."""


def steady() -> float:
    """Seconds of a clock that cannot be set, and that runs on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


class _Server:
    """The server's clock, as its offset from the steady one."""

    def __init__(self) -> None:
        self._offsets = deque[float](maxlen=_KEPT)
        self._offset: float | None = None

    def observe(self, at: float) -> None:
        # A time may arrive late, never early: the largest offset is the most exact.
        self._offsets.append(at - steady())
        self._offset = max(self._offsets)

    def now(self) -> float:
        own = time.time()
        if self._offset is None:
            return own
        shared = steady() + self._offset
        return own if abs(shared - own) < _CLOSE else shared


_server = _Server()


def now() -> float:
    """Seconds since 1970 by the Temporal server's clock; by the machine's own before the first activity."""
    return _server.now()


def stated(headers: Mapping[str, str]) -> float:
    """The time of an HTTP answer by the clock of its server, which the dates in the answer are relative to."""
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return now()


class ServerTime(Interceptor):
    """For workers: records the server's time with each activity that starts."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap the activity, before anything else of it runs."""
        return _Observed(next)


class _Observed(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        info = activity.info()
        if not info.is_local:  # a local activity has this machine's time
            _server.observe(info.started_time.timestamp())
        return await super().execute_activity(input)
