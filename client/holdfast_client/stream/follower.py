"""A state machine from snapshots of a session to stream events, without clock or network.

A *position* is (turn, step). The model's text arrives twice: in parts from the heartbeats of the
model call, and complete from the session when the step has ended. The parts may be incomplete; the
full text completes them. Parts of two attempts are never joined: a new attempt is a restart.

A snapshot reads the pending activities first and the session's view second, so the view may be
newer. Events are therefore ordered by position, and each is emitted once. The id of an event is the
position after it, from which a follower in any process continues.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from holdfast_client.reply import Output, reply_of
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.problems import Problem
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import Event, TurnView

from . import events as stream_events
from . import items
from .event_mapping import call_ended, call_started, of_event
from .position import Position
from .present import Present
from .snapshot import PendingModelCall, Snapshot
from .text_stream import StepText

_END = 1 << 30
"""A step after every step of a turn."""


@dataclass(frozen=True, slots=True)
class WantLog:
    """The log's events are needed, from ``start`` (None: the turn's beginning) up to ``stop``."""

    start: int | None
    stop: int
    turn: int
    inline: bool


@dataclass(frozen=True, slots=True)
class WantText:
    """A reply's full text is needed."""

    seq: int


@dataclass(frozen=True, slots=True)
class WantCalls:
    """The arguments of a reply's calls are needed."""

    seq: int


@dataclass(frozen=True, slots=True)
class WantTurn:
    """A turn's view is needed."""

    turn: int


Want = WantLog | WantText | WantCalls | WantTurn


@dataclass(slots=True)
class Fetched:
    """Data fetched for one snapshot: missed events, events of inline steps, texts, arguments and turns.

    ``calls`` has arguments by the number of the reply, then of the call.
    """

    missed: list[Event] | None = None
    inline: list[Event] | None = None
    texts: dict[int, str] = field(default_factory=dict[int, str])
    calls: dict[int, dict[int, str]] = field(default_factory=dict[int, dict[int, str]])
    turns: dict[int, TurnView | None] = field(default_factory=dict[int, TurnView | None])


class Follower:
    """Follows a session from a position on.

    For each snapshot, fetch what ``want`` returns until it is None, then call ``advance``.
    """

    def __init__(self, session: str, at: Position, output: Output | None = None) -> None:
        self._id = session
        self._output = output or Output()
        self._at = at
        self._step_text = StepText(at.text)
        self._present = Present(at.reported)
        self._last_text = (0, "")

    @property
    def at(self) -> Position:
        """The position after the last event."""
        return self._at._replace(text=self._step_text.at, reported=self._present.at)

    def want(self, snapshot: Snapshot, fetched: Fetched) -> Want | None:
        """Return what must be fetched before ``advance``; None if nothing."""
        gap = self._gap(snapshot, fetched)
        if gap is not None:
            return gap
        seq, place, reply = self._last_text[0], self._at.place, self._at.reply
        for item in self._items(snapshot, fetched):
            if item.kind == "step" and _place(item) > place:
                seq, place, reply = item.seq, _place(item), item.seq
                if _full_text(item, fetched) is None:
                    return WantText(item.seq)
            elif item.kind in _CALLS and _place(item) == place and not item.arguments:
                known = reply == self._at.reply and self._at.started & _bit(item, reply)
                if not known and reply not in fetched.calls:
                    return WantCalls(reply)
            elif item.kind == "turn_ended" and item.turn > self._at.ended:
                view = self._view(item, snapshot, fetched)
                if view is None:
                    return WantTurn(item.turn)
                long = view.reply_size > INLINE_TEXT
                if long and view.reply_seq != seq and view.reply_seq not in fetched.texts:
                    return WantText(view.reply_seq)
        return None

    def advance(self, snapshot: Snapshot, fetched: Fetched) -> list[stream_events.StreamEvent]:
        """Return the new events of the snapshot."""
        # The position is taken as each event is yielded, before the next one moves it.
        return [
            event.model_copy(update={"id": self.at.encode(self._id)})
            for event in self._advance(snapshot, fetched)
        ]

    def _advance(self, snapshot: Snapshot, fetched: Fetched) -> Iterator[stream_events.StreamEvent]:
        thinking = snapshot.thinking
        emitted = thinking is None
        for item in self._items(snapshot, fetched):
            if thinking and not emitted and _place(item) >= _text_position(thinking):
                yield from self._think(thinking)
                emitted = True
            yield from self._take(item, snapshot, fetched)
        if thinking and not emitted:
            yield from self._think(thinking)
        if self._at.turn > self._at.ended:
            yield from self._present.tools(snapshot, self._at.turn)
        if snapshot.view:
            self._move(next=snapshot.view.next_event)
            if snapshot.view.turn > self._at.ended:
                yield from self._present.waits(snapshot.view)
        yield from self._present.status(snapshot)

    def _move(self, **changes: Any) -> None:
        self._at = self._at._replace(**changes)

    # Events in order.

    def _items(self, snapshot: Snapshot, fetched: Fetched) -> list[Event]:
        view = snapshot.view
        events = [event for event in (view.events if view else ()) if event.kind not in _BY_STATUS]
        # The log may be ahead of the oldest event that is left.
        missed = [item for item in fetched.missed or () if not events or item.turn <= events[0].turn]
        known = [item for item in (*missed, *events, *(fetched.inline or ())) if item.turn >= self._at.first]
        last = view.last if view else None
        ended = {item.turn for item in known if item.kind == "turn_ended"}
        if last and last.ended and last.turn > self._at.ended and last.turn not in ended:
            known.append(Event(n=-1, kind="turn_ended", turn=last.turn, status=last.status))
        return items.with_turn_ends(known, self._at.turn if self._at.turn > self._at.ended else 0)

    def _gap(self, snapshot: Snapshot, fetched: Fetched) -> WantLog | None:
        """Return the part of the log that replaces dropped events, or events of inline steps in progress."""
        view, at = snapshot.view, self._at
        if view and fetched.missed is None and view.turn >= at.first:
            oldest = view.events[0].n if view.events else view.next_event
            if oldest > at.next and not self._begins(view.events):
                # Up to the next step: results of parallel calls do not end in the order of their numbers.
                stop = min((event.seq for event in view.events if event.kind == "step"), default=view.seq)
                return WantLog(at.reply or None, stop, at.first, inline=False)
        partial = snapshot.thinking.partial if snapshot.thinking else None
        if partial and partial.steps and fetched.inline is None and partial.turn >= at.first:
            known = self._items(snapshot, fetched)
            steps = [_place(item) for item in known if item.kind == "step"]
            begun = at.turn == partial.turn or any(item.turn == partial.turn for item in known)
            newest = max([at.place, *steps])
            before = (partial.turn, partial.step - partial.steps - 1)
            # Earlier steps must be known, since they are emitted first.
            if begun and newest < (partial.turn, partial.step - 1) and (newest >= before or before[1] == 0):
                return WantLog(at.reply or None, partial.seq, partial.turn, inline=True)
        return None

    def _begins(self, events: tuple[Event, ...]) -> bool:
        """Whether these events cover the whole first turn although older events were dropped."""
        first = self._at.first
        return self._at.turn == 0 and any(
            event.turn < first or (event.turn == first and event.kind == "turn_started") for event in events
        )

    def _take(self, item: Event, snapshot: Snapshot, fetched: Fetched) -> Iterator[stream_events.StreamEvent]:
        at = self._at
        if event := of_event(item):
            self._move(next=max(at.next, item.n + 1))
            yield event
            return
        # These may be read again: the position has those that were emitted.
        if item.turn > max(at.turn, at.ended):
            self._move(turn=item.turn)
            text = item.text if item.kind == "turn_started" else ""
            yield stream_events.TurnStarted(turn=item.turn, text=text)
        if item.kind == "step" and _place(item) > at.place:
            yield from self._end_step(item, _full_text(item, fetched) or "")
        elif item.kind in _CALLS and _place(item) == at.place:
            yield from self._take_call(item, fetched)
        elif item.kind == "steered" and item.n >= at.next:
            self._move(next=item.n + 1)
            yield stream_events.Status(status="steered", detail=item.text)
        elif item.kind == "turn_ended" and item.turn > at.ended:
            view = self._view(item, snapshot, fetched)
            assert view is not None, "want() asked for it"
            yield self._end_turn(view, fetched)

    def _take_call(self, item: Event, fetched: Fetched) -> Iterator[stream_events.StreamEvent]:
        at, bit = self._at, _bit(item, self._at.reply)
        if not at.started & bit:
            self._move(started=at.started | bit)
            arguments = item.arguments or fetched.calls.get(at.reply, {}).get(item.seq, "")
            yield call_started(item, arguments)
        if item.kind == "call_ended" and not at.finished & bit:
            self._move(finished=at.finished | bit)
            yield call_ended(item)

    # Text of the model.

    def _think(self, thinking: PendingModelCall) -> Iterator[stream_events.StreamEvent]:
        partial = thinking.partial
        if partial is None:
            yield from self._step_text.retry(thinking)
            return
        position = (partial.turn, partial.step)
        if position <= self._at.place or partial.turn != self._at.turn:
            return
        if partial.step > 1 and self._at.place < (partial.turn, partial.step - 1):
            return  # the step before has not been emitted yet
        yield from self._step_text.update(thinking, partial)

    def _end_step(self, item: Event, text: str) -> Iterator[stream_events.StreamEvent]:
        yield from self._step_text.complete(item.turn, item.step, text)
        self._move(place=_place(item), reply=item.seq, started=0, finished=0)
        self._last_text = (item.seq, text)
        usage = item.usage or Usage()
        yield stream_events.StepEnded(turn=item.turn, step=item.step, text=text, usage=usage)

    # The end of a turn.

    def _view(self, item: Event, snapshot: Snapshot, fetched: Fetched) -> TurnView | None:
        """Return the turn's view; None if it must be fetched. Made from the event if the session lost it."""
        last = snapshot.view.last if snapshot.view else None
        if last and last.turn == item.turn and last.ended:
            return last
        if item.turn not in fetched.turns:
            return None
        failed = item.status != "done"
        status = "failed" if item.status == "failed" else "cancelled" if failed else "done"
        return fetched.turns[item.turn] or TurnView(
            turn=item.turn,
            status=status,
            reply="" if failed else item.text,
            reply_seq=item.seq,
            reply_size=item.size,
            steps=item.step,
            usage=item.usage or Usage(),
            error=Problem(code="holdfast", message=item.text, detail=item.text) if failed else None,
        )

    def _end_turn(self, view: TurnView, fetched: Fetched) -> stream_events.TurnEnded:
        self._move(ended=view.turn, place=(view.turn, _END))
        self._step_text = StepText()
        seq, text = self._last_text
        if view.reply_size <= INLINE_TEXT:
            text = view.reply
        elif view.reply_seq != seq:
            text = fetched.texts[view.reply_seq]
        return stream_events.TurnEnded(turn=view.turn, reply=reply_of(view, text, self._output))


_CALLS = frozenset({"call_started", "call_ended"})

_BY_STATUS = frozenset({"paused", "resumed", "closed", "waiting", "needs_person"})
"""Events that are derived from the session's view instead."""


def _full_text(item: Event, fetched: Fetched) -> str | None:
    """Return a step's full text; None if it must be fetched.

    The emitted text is not used, even if its size and beginning are the same: it may be of a lost attempt.
    """
    return item.text if item.size <= INLINE_TEXT else fetched.texts.get(item.seq)


def _place(item: Event) -> tuple[int, int]:
    if item.kind == "turn_ended":
        return (item.turn, _END)
    return (item.turn, 0 if item.kind in {"turn_started", "steered"} else item.step)


def _text_position(thinking: PendingModelCall) -> tuple[int, int]:
    """Return the position of its text; the end if it has none."""
    partial = thinking.partial
    return (partial.turn, partial.step) if partial else (_END, 0)


def _bit(item: Event, reply: int) -> int:
    """Return the bit of a call among those of its reply."""
    return 1 << max(0, item.seq - reply)
