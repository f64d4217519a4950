"""The polling loop of a stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Final

from holdfast_client.operations.stored import content
from holdfast_client.reply import Output
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts.errors import HoldfastError, TemporalUnreachable
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry
from holdfast_workflows.contracts.session.session import TurnView

from . import items
from .events import StreamEvent, TurnEnded
from .follower import Fetched, Follower, WantCalls, WantLog, WantText
from .position import Position
from .reading import Reader
from .snapshot import Snapshot

FAST: Final = 0.12
"""Seconds between polls while events arrive."""

_SLOWER: Final = 1.2
_WORKING: Final = 0.5
_IDLE: Final = 2.0
_LEASE: Final = 60.0
_RENEW: Final = 30.0


class Stream:
    """Follows a session from a position on."""

    def __init__(
        self,
        requests: Requests,
        session: str,
        at: Position,
        *,
        streaming: bool = False,
        output: Output | None = None,
    ) -> None:
        """``streaming``: the session already publishes text in small pieces."""
        self._requests = requests
        self._session = session
        self._reader = Reader(requests, session)
        self._follower = Follower(session, at, output)
        self._pause = FAST
        self._answered = time.monotonic()
        self._renewed = self._answered if streaming else -_RENEW

    async def events(self, last: int | None = None) -> AsyncGenerator[StreamEvent]:
        """Yield events until turn ``last`` or the session has ended; retry a lost connection."""
        while True:
            snapshot = await self._poll()
            if snapshot is not None:
                events = await self._advance(snapshot)
                for event in events:
                    yield event
                    if isinstance(event, TurnEnded) and last is not None and event.turn >= last:
                        return
                if not snapshot.open:
                    return
                self._adapt(snapshot, moved=bool(events))
                await self._renew_streaming(snapshot)
            await asyncio.sleep(self._pause)

    async def _poll(self) -> Snapshot | None:
        try:
            snapshot = await self._reader.read(self._follower.at.next)
        except TemporalUnreachable:
            if time.monotonic() - self._answered > self._requests.timeout:
                raise
            return None
        self._answered = time.monotonic()
        return snapshot

    async def _advance(self, snapshot: Snapshot) -> list[StreamEvent]:
        fetched = Fetched()
        while want := self._follower.want(snapshot, fetched):
            if isinstance(want, WantLog):
                events = items.from_log(await self._log(want))
                if want.inline:
                    fetched.inline = events
                else:
                    fetched.missed = events
            elif isinstance(want, WantText):
                fetched.texts[want.seq] = await content.text(self._requests, self._session, want.seq)
            elif isinstance(want, WantCalls):
                fetched.calls[want.seq] = await content.arguments(self._requests, self._session, want.seq)
            else:
                fetched.turns[want.turn] = await self._turn(want.turn)
        return self._follower.advance(snapshot, fetched)

    async def _turn(self, turn: int) -> TurnView | None:
        """Return a turn's view; from the state database if the session no longer keeps it."""
        view = await self._requests.turn(self._session, turn)
        return view or await content.turn(self._requests, self._session, turn)

    async def _log(self, want: WantLog) -> list[Entry]:
        requests, session = self._requests, self._session
        if want.start is None:
            entries = await content.turn_log(requests, session, want.turn, want.stop)
        else:
            entries = await content.span(requests, session, want.start, want.stop)
        return [
            # The reply at the start was emitted; the log is read from there for its calls.
            await content.whole(requests, session, entry)
            if isinstance(entry, ReplyEntry) and entry.seq != want.start
            else entry
            for entry in entries
        ]

    def _adapt(self, snapshot: Snapshot, *, moved: bool) -> None:
        """Poll fast while events arrive, and slower and slower otherwise."""
        slowest = _WORKING if snapshot.thinking or snapshot.tools else _IDLE
        self._pause = FAST if moved else min(self._pause * _SLOWER, slowest)

    async def _renew_streaming(self, snapshot: Snapshot) -> None:
        """Renew the request for small pieces; rarely, since each renewal is a history event."""
        if snapshot.thinking is None and not snapshot.tools:
            return
        now = time.monotonic()
        if now - self._renewed >= _RENEW:
            self._renewed = now
            try:
                await self._requests.signal(self._session, "watch", _LEASE)
            except HoldfastError:
                # Text then arrives in larger pieces; the next poll reports the problem.
                return
