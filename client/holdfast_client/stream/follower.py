"""A state machine from snapshots of a session to stream events, without clock or network.

A *position* is (turn, step). The model's text arrives twice: in parts from the heartbeats of the
model call, and complete from the session when the step has ended. The parts may be incomplete; the
full text completes them. Parts of two attempts are never joined: a new attempt is a restart.

A snapshot reads the pending activities first and the session's view second, so the view may be
newer. Events are therefore ordered by position, and each is emitted once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from holdfast_client.output import Output
from holdfast_client.reply import reply_of
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.problems import Problem
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import Event, TurnView

from . import events as stream_events
from . import items
from .event_mapping import Waits, of_event
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
class WantTurn:
    """A turn's view is needed."""

    turn: int


Want = WantLog | WantText | WantTurn


@dataclass(slots=True)
class Fetched:
    """Data fetched for one snapshot: missed events, events of inline steps, texts and turns."""

    missed: list[Event] | None = None
    inline: list[Event] | None = None
    texts: dict[int, str] = field(default_factory=dict[int, str])
    turns: dict[int, TurnView | None] = field(default_factory=dict[int, TurnView | None])


class Follower:
    """Follows a session from the beginning of a turn on.

    For each snapshot, fetch what ``want`` returns until it is None, then call ``advance``.
    """

    def __init__(self, first: int, output: Output | None = None) -> None:
        self._output = output or Output()
        self.since = 0
        self.ended_turn = first - 1
        self._first = first
        self._turn = 0
        self._position = (first, 0)
        self._seq = 0
        self._step_text = StepText()
        self._last_text = (0, "")
        self._calls: dict[int, bool] = {}
        self._progress: dict[str, tuple[int, str]] = {}
        self._session = ""
        self._status = stream_events.Status("")
        self._waits = Waits()

    def want(self, snapshot: Snapshot, fetched: Fetched) -> Want | None:
        """Return what must be fetched before ``advance``; None if nothing."""
        gap = self._gap(snapshot, fetched)
        if gap is not None:
            return gap
        seq, _ = self._last_text
        for item in self._items(snapshot, fetched):
            if item.kind == "step" and (item.turn, item.step) > self._position:
                seq = item.seq
                if _full_text(item, fetched) is None:
                    return WantText(item.seq)
            elif item.kind == "turn_ended" and item.turn > self.ended_turn:
                view = self._view(item, snapshot, fetched)
                if view is None:
                    return WantTurn(item.turn)
                long = view.reply_size > INLINE_TEXT
                if long and view.reply_seq != seq and view.reply_seq not in fetched.texts:
                    return WantText(view.reply_seq)
        return None

    def advance(self, snapshot: Snapshot, fetched: Fetched) -> list[stream_events.StreamEvent]:
        """Return the new events of the snapshot."""
        return list(self._advance(snapshot, fetched))

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
        yield from self._tools(snapshot)
        if snapshot.view:
            self.since, self._session = snapshot.view.next_event, snapshot.view.status
            if snapshot.view.turn > self.ended_turn:
                yield from self._waits.changes(snapshot.view)
        status = self._now(snapshot)
        if status.status and status != self._status:
            self._status = status
            yield status

    # Events in order.

    def _items(self, snapshot: Snapshot, fetched: Fetched) -> list[Event]:
        view = snapshot.view
        events = [event for event in (view.events if view else ()) if event.kind not in _BY_STATUS]
        # The log may be ahead of the oldest event that is left.
        missed = [item for item in fetched.missed or () if not events or item.turn <= events[0].turn]
        known = [item for item in (*missed, *events, *(fetched.inline or ())) if item.turn >= self._first]
        last = view.last if view else None
        ended = {item.turn for item in known if item.kind == "turn_ended"}
        if last and last.ended and last.turn > self.ended_turn and last.turn not in ended:
            known.append(Event(n=-1, kind="turn_ended", turn=last.turn, status=last.status))
        return items.with_turn_ends(known, self._turn if self._turn > self.ended_turn else 0)

    def _gap(self, snapshot: Snapshot, fetched: Fetched) -> WantLog | None:
        """Return the part of the log that replaces dropped events, or events of inline steps in progress."""
        view = snapshot.view
        if view and fetched.missed is None and view.turn >= self._first:
            oldest = view.events[0].n if view.events else view.next_event
            if oldest > self.since and not self._begins(view.events):
                stop = min((event.seq for event in view.events if event.kind in _IN_STEPS), default=view.seq)
                return WantLog(self._seq or None, stop, self._first, inline=False)
        partial = snapshot.thinking.partial if snapshot.thinking else None
        if partial and partial.steps and fetched.inline is None and partial.turn >= self._first:
            known = self._items(snapshot, fetched)
            steps = [_place(item) for item in known if item.kind == "step"]
            begun = self._turn == partial.turn or any(item.turn == partial.turn for item in known)
            at = max([self._position, *steps])
            before = (partial.turn, partial.step - partial.steps - 1)
            # Earlier steps must be known, since they are emitted first.
            if begun and at < (partial.turn, partial.step - 1) and (at >= before or before[1] == 0):
                return WantLog(self._seq or None, partial.seq, partial.turn, inline=True)
        return None

    def _begins(self, events: tuple[Event, ...]) -> bool:
        """Whether these events cover the whole first turn although older events were dropped."""
        first = self._first
        return self._turn == 0 and any(
            event.turn < first or (event.turn == first and event.kind == "turn_started") for event in events
        )

    def _take(self, item: Event, snapshot: Snapshot, fetched: Fetched) -> Iterator[stream_events.StreamEvent]:
        if event := of_event(item):
            yield event
            return
        if item.turn > max(self._turn, self.ended_turn):
            self._turn = item.turn
            yield stream_events.TurnStarted(item.turn, item.text if item.kind == "turn_started" else "")
        if item.kind in _IN_STEPS:
            self._seq = max(self._seq, item.seq + 1)
        if item.kind == "step":
            if _place(item) > self._position:
                yield from self._end_step(item, _full_text(item, fetched) or "")
        elif item.kind in {"call_started", "call_ended"}:
            yield from self._take_call(item)
        elif item.kind == "steered":
            if item.n >= self.since > 0:
                yield stream_events.Status("steered", item.text)
        elif item.kind == "turn_ended" and item.turn > self.ended_turn:
            view = self._view(item, snapshot, fetched)
            assert view is not None, "want() asked for it"
            yield self._end_turn(view, fetched)

    def _take_call(self, item: Event) -> Iterator[stream_events.StreamEvent]:
        if item.turn <= self.ended_turn:
            return
        if item.seq not in self._calls:
            self._calls[item.seq] = False
            arguments = item.text if item.kind == "call_started" else ""
            yield stream_events.ToolStarted(item.turn, item.step, item.seq, item.name, arguments)
        if item.kind == "call_ended" and not self._calls[item.seq]:
            self._calls[item.seq] = True
            yield stream_events.ToolEnded(
                item.turn, item.step, item.seq, item.name, item.status, item.text, item.size
            )

    # Text of the model.

    def _think(self, thinking: PendingModelCall) -> Iterator[stream_events.StreamEvent]:
        partial = thinking.partial
        if partial is None:
            yield from self._step_text.retry(thinking)
            return
        position = (partial.turn, partial.step)
        if position <= self._position or partial.turn != self._turn:
            return
        if partial.step > 1 and self._position < (partial.turn, partial.step - 1):
            return  # the step before has not been emitted yet
        yield from self._step_text.update(thinking, partial)

    def _end_step(self, item: Event, text: str) -> Iterator[stream_events.StreamEvent]:
        yield from self._step_text.complete(item.turn, item.step, text)
        self._position = _place(item)
        self._last_text = (item.seq, text)
        yield stream_events.StepEnded(item.turn, item.step, text, item.usage or Usage())

    # Status, tools and the end of a turn.

    def _now(self, snapshot: Snapshot) -> stream_events.Status:
        if snapshot.unattended:
            return stream_events.Status("waiting_for_worker")
        if snapshot.thinking and snapshot.thinking.attempt > 1 and snapshot.thinking.partial is None:
            return stream_events.Status(
                "retrying", f"attempt {snapshot.thinking.attempt}, after {snapshot.thinking.failure}"
            )
        return stream_events.Status(self._session)

    def _tools(self, snapshot: Snapshot) -> Iterator[stream_events.StreamEvent]:
        now = {tool.activity: (tool.attempt, tool.detail) for tool in snapshot.tools}
        for tool in snapshot.tools if self._turn > self.ended_turn else ():
            if now[tool.activity] != self._progress.get(tool.activity, (1, "")):
                yield stream_events.ToolProgress(self._turn, tool.name, tool.detail, tool.attempt)
        self._progress = now

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
        self.ended_turn = view.turn
        self._position = (view.turn, _END)
        self._step_text = StepText()
        self._calls.clear()
        seq, text = self._last_text
        if view.reply_size <= INLINE_TEXT:
            text = view.reply
        elif view.reply_seq != seq:
            text = fetched.texts[view.reply_seq]
        return stream_events.TurnEnded(view.turn, reply_of(view, text, self._output))


_IN_STEPS = frozenset({"step", "call_started", "call_ended"})

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
