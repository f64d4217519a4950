"""Periodic heartbeats: they show liveness, transport partial text and receive cancel requests."""

import asyncio
from collections.abc import Callable
from types import TracebackType

from temporalio import activity

from holdfast_workflows.contracts.base import Contract

WATCHED = 0.15
"""Seconds between heartbeats while a client streams the turn."""

UNWATCHED = 1.0
"""Seconds between other heartbeats; each is a write in the server. A cancel request is received with the
next heartbeat, well within the 2 s after which it must take effect."""


_beating = dict[bytes, "Heartbeat"]()


def beating() -> list[tuple[bytes, tuple[Contract, ...]]]:
    """Running activities by task token, with their last heartbeat details. Thread-safe."""
    return [(token, heartbeat.last) for token, heartbeat in list(_beating.items())]


class Heartbeat:
    """Sends heartbeats while its block runs; the first one after ``pace`` seconds, or ``at_once``."""

    def __init__(
        self,
        pace: float = UNWATCHED,
        say: Callable[[], Contract] | None = None,
        *,
        at_once: bool = False,
    ) -> None:
        self._pace = pace
        self._at_once = at_once
        self._say = say
        self._last: Contract | None = None
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def last(self) -> tuple[Contract, ...]:
        return () if self._last is None else (self._last,)

    def __enter__(self) -> "Heartbeat":
        self._token = activity.info().task_token
        _beating[self._token] = self
        self._loop = asyncio.get_running_loop()
        if self._at_once:
            self._beat()
        else:
            self._timer = self._loop.call_later(self._pace, self._beat)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _beating.pop(self._token, None)
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        details = None if self._say is None else self._say()
        now = self._loop.time()
        # Unchanged details are sent only as often as liveness requires.
        if details != self._last or now - self._since >= UNWATCHED:
            activity.heartbeat(*(() if details is None else (details,)))
            self._last, self._since = details, now
        self._timer = self._loop.call_later(self._pace, self._beat)
