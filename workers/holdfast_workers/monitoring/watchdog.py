"""A thread that watches the event loop.

A tool that blocks the loop, for example with ``time.sleep`` in an async function, stops the heartbeats of
every call of its worker. Until the loop responds again, the thread sends those heartbeats, so that Temporal does
not retry the other calls as lost. It also logs which tool blocks the loop.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

from temporalio.client import Client

from holdfast_activities.session.common.heartbeat import beating

BLOCKED: Final = 1.0
"""Seconds without a response after which the loop counts as blocked. With the interval of heartbeats this is
well below a session's ``heartbeat_timeout`` (5 s)."""

WARNED: Final = 2.0
"""Seconds after which a warning is logged."""

LONGEST: Final = 60.0
"""Seconds for which the thread sends heartbeats. A loop that is blocked longer may never respond, and another
worker must take over its calls."""

_LOOK: Final = 0.25
_WINDOW: Final = 30.0
_BEAT: Final = 1.0

_WARNING: Final = (
    "the event loop is blocked in %s; the worker's other calls are kept alive for up to %g s. "
    "Await in async tools, or write tools that block as plain functions, which run in threads."
)

_log = logging.getLogger(__name__)


class Watchdog:
    """Context manager that watches the running event loop."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._turned = time.monotonic()
        self._longest = (0.0, 0.0)
        self._since = self._turned
        self._over = threading.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._watch, name="holdfast-watchdog", daemon=True)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._turned = time.monotonic() - _LOOK
        self._loop_thread = threading.get_ident()
        self._turn()
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._timer is not None:
            self._timer.cancel()

    @property
    def delay(self) -> float:
        """The longest delay of the loop in the last 30 to 60 seconds."""
        return max(self._longest)

    def _turn(self) -> None:
        now = time.monotonic()
        earlier, longest = self._longest
        if now - self._since > _WINDOW:
            self._since, earlier, longest = now, longest, 0.0
        # Two windows, so that each of several readers sees a delay.
        self._longest = earlier, max(longest, now - self._turned - _LOOK)
        self._turned = now
        self._timer = self._loop.call_later(_LOOK, self._turn)

    # In the thread.

    def _watch(self) -> None:
        while not self._over.wait(_LOOK):
            turned = self._turned
            if time.monotonic() - turned > BLOCKED:
                with asyncio.Runner() as runner:
                    runner.run(self._stand_in(turned))

    async def _stand_in(self, turned: float) -> None:
        """Send heartbeats for every call until the loop responds again."""
        where = ""
        while self._turned == turned and not self._over.is_set():
            blocked = time.monotonic() - turned
            if blocked > WARNED and not where:
                where = self._where()
                _log.warning(_WARNING, where, LONGEST)
            if blocked > LONGEST:
                _log.error("the event loop has been blocked for %g s in %s", LONGEST, where)
                while self._turned == turned and not self._over.wait(_LOOK):
                    pass
                return
            await asyncio.gather(*(self._beat(*each) for each in beating()), asyncio.sleep(_BEAT))
        if where:
            _log.warning("the event loop responds again after %.1f s in %s", time.monotonic() - turned, where)

    async def _beat(self, token: bytes, details: Sequence[Any]) -> None:
        try:
            async with asyncio.timeout(BLOCKED):
                await self._client.get_async_activity_handle(task_token=token).heartbeat(*details)
        except Exception:  # noqa: BLE001 # a call that ended or was cancelled learns it from the SDK once the loop responds
            _log.debug("a heartbeat was refused", exc_info=True)

    def _where(self) -> str:
        """The tool that blocks the loop, with file and line."""
        task = asyncio.current_task(self._loop)
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 # the only way to another thread's stack
        line = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "an unknown place"
        return f"{task.get_name() if task else 'a callback'} at {line}"
