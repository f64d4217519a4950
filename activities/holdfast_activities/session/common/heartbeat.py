"""Heartbeats at a pace: the sign of life, the partial text, and the way a cancel gets in."""

import asyncio
from collections.abc import Callable
from types import TracebackType

from temporalio import activity

from holdfast_workflows.contracts.base import Contract

WATCHED = 0.15
"""Seconds between heartbeats while somebody reads along."""

UNWATCHED = 1.0
"""Seconds between heartbeats otherwise; each is a write in the server. Also how long a
cancel may take to be heard, well within the 2 s after which it must take hold."""


_beating = dict[bytes, "Heartbeat"]()


def beating() -> list[tuple[bytes, tuple[Contract, ...]]]:
    """The activities that beat now, by task token, and what each said last; any thread may ask."""
    return [(token, pulse.last) for token, pulse in list(_beating.items())]


class Heartbeat:
    """Beats while its block runs; an activity shorter than the pace never beats at all.

    One with nothing to ``say`` is a sign of life only; what is said ``at_once`` does not wait for the pace.
    """

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
        self._said: Contract | None = None
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def last(self) -> tuple[Contract, ...]:
        """The details of the last heartbeat."""
        return () if self._said is None else (self._said,)

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
        word = None if self._say is None else self._say()
        now = self._loop.time()
        # Nothing new is said only as often as liveness needs.
        if word != self._said or now - self._since >= UNWATCHED:
            activity.heartbeat(*(() if word is None else (word,)))
            self._said, self._since = word, now
        self._timer = self._loop.call_later(self._pace, self._beat)
