"""A simulated session with its snapshots, and a viewer of its stream."""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast_client.stream import events as stream_events
from holdfast_client.stream import items
from holdfast_client.stream.follower import Fetched, Follower, Want, WantCalls, WantLog, WantText
from holdfast_client.stream.position import Position
from holdfast_client.stream.snapshot import PendingModelCall, Snapshot
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry, ToolCall, UserEntry
from holdfast_workflows.contracts.session.progress import Partial
from holdfast_workflows.contracts.session.session import Event, SessionView, TurnView
from holdfast_workflows.contracts.text.unicode import preview, size


@dataclass
class FakeSession:
    """One session with its log and events, of which its view has the last ``max_events``."""

    max_events: int = 300
    turn: int = 0
    step: int = 0
    seq: int = 1
    activity: int = 0
    attempt: int = 1
    inline_steps: int = 0
    text: str | None = None
    thinking: bool = False
    log: list[Entry] = field(default_factory=list[Entry])
    events: list[Event] = field(default_factory=list[Event])
    turns: dict[int, TurnView] = field(default_factory=dict[int, TurnView])
    unpublished: list[Event] = field(default_factory=list[Event])
    open_calls: list[Event] = field(default_factory=list[Event])

    def begin_turn(self) -> None:
        self.turn += 1
        self.step = self.inline_steps = 0
        self.emit(Event(n=0, kind="turn_started", turn=self.turn, text=f"question {self.turn}"))
        self.log.append(UserEntry(seq=self.seq, turn=self.turn, text=f"question {self.turn}"))
        self.seq += 1
        self.begin_step()

    def begin_step(self) -> None:
        self.activity += 1
        self.attempt, self.text, self.inline_steps, self.thinking = 1, None, 0, True

    def fail(self) -> None:
        self.attempt += 1
        self.text = None

    def generate(self, text: str) -> None:
        self.text = (self.text or "") + text

    def end_step(self, text: str, *, calls: int = 0, inline: bool = False, parallel: bool = False) -> None:
        """End a step; events of inline steps are published with the next step that is not.

        Parallel calls end later, by ``end_call`` in any order.
        """
        self.step += 1
        seq = self.seq
        names = [
            ToolCall(id=f"c{seq}-{i}", name="poll", arguments=f'{{"of": {seq + 1 + i}}}')
            for i in range(calls)
        ]
        self.log.append(ReplyEntry(seq=seq, turn=self.turn, step=self.step, text=text, calls=tuple(names)))
        small = text if size(text) <= INLINE_TEXT else preview(text)
        at = Event(n=0, kind="step", turn=self.turn, step=self.step)
        self.unpublished.append(at.model_copy(update={"seq": seq, "text": small, "size": size(text)}))
        for i, call in enumerate(names, 1):
            place = {"seq": seq + i, "turn": self.turn, "step": self.step, "name": "poll", "text": "r"}
            arguments = call.arguments if i % 2 else ""  # some are too long for an event
            started = {**place, "kind": "call_started", "call_id": call.id, "arguments": arguments}
            if parallel:
                self.unpublished.append(at.model_copy(update=started))
                self.open_calls.append(self.unpublished[-1])
                continue
            self.log.append(ResultEntry.model_validate({**place, "call_id": call.id}))
            if not inline:
                self.unpublished.append(at.model_copy(update=started))
            self.unpublished.append(
                at.model_copy(update={**started, "kind": "call_ended", "status": "ok", "size": 1})
            )
        self.seq += 1 + calls
        if inline:
            self.inline_steps += 1
            self.text = None
            return
        self.publish()
        self.thinking = False
        if calls and not parallel:
            self.begin_step()

    def end_call(self, index: int) -> None:
        """End one of the parallel calls; after the last one the next step begins."""
        call = self.open_calls.pop(index % len(self.open_calls))
        place = {"seq": call.seq, "turn": call.turn, "step": call.step, "name": "poll", "text": "r"}
        self.log.append(ResultEntry.model_validate({**place, "call_id": call.call_id}))
        self.log.sort(key=lambda entry: entry.seq)
        self.emit(call.model_copy(update={**place, "kind": "call_ended", "status": "ok", "arguments": ""}))
        if not self.open_calls:
            self.begin_step()

    def publish(self) -> None:
        for event in self.unpublished:
            self.emit(event)
        self.unpublished.clear()

    def end_turn(self) -> None:
        self.publish()
        self.thinking = False
        reply = next(entry for entry in reversed(self.log) if isinstance(entry, ReplyEntry))
        small = reply.text if size(reply.text) <= INLINE_TEXT else preview(reply.text)
        self.turns[self.turn] = TurnView(
            turn=self.turn,
            status="done",
            reply=small,
            reply_seq=reply.seq,
            reply_size=size(reply.text),
            steps=self.step,
            started=1.0,
            ended=2.0,
        )
        self.emit(
            Event(
                n=0,
                kind="turn_ended",
                turn=self.turn,
                step=self.step,
                seq=reply.seq,
                text=small,
                size=size(reply.text),
                status="done",
            )
        )

    def emit(self, event: Event) -> None:
        self.events.append(event.model_copy(update={"n": len(self.events)}))

    def pending_call(self) -> PendingModelCall | None:
        """The first half of a snapshot: the pending model call."""
        if not self.thinking:
            return None
        partial = None
        if self.text is not None:
            partial = Partial(
                turn=self.turn, step=self.step + 1, seq=self.seq, text=self.text, steps=self.inline_steps
            )
        return PendingModelCall(str(self.activity), self.attempt, partial)

    def view(self, since: int) -> SessionView:
        """The second half of a snapshot: the session's view."""
        running = self.turn not in self.turns
        last = TurnView(turn=self.turn, status="running") if running else self.turns[self.turn]
        return SessionView(
            session="s",
            agent="a",
            status="running" if running else "idle",
            turn=self.turn,
            seq=self.seq,
            last=last if self.turn else None,
            events=tuple(event for event in self.events[-self.max_events :] if event.n >= since),
            next_event=len(self.events),
        )

    def snapshot(self, since: int) -> Snapshot:
        return Snapshot(thinking=self.pending_call(), view=self.view(since))


class Viewer:
    """Collects a stream; ``shown`` has the text of every step."""

    def __init__(self, session: FakeSession, first: int = 1) -> None:
        self.session = session
        self.follower = Follower("s", Position.before(first))
        self.events: list[stream_events.StreamEvent] = []
        self.shown: dict[tuple[int, int], str] = {}

    def resumed(self, index: int) -> Viewer:
        """A viewer in another process that has the events up to an index and continues after it."""
        viewer = Viewer(self.session)
        viewer.follower = Follower("s", Position.decode(self.events[index].id, "s"))
        viewer.events = self.events[: index + 1]
        for event in viewer.events:
            viewer._show(event)
        return viewer

    def poll(self, snapshot: Snapshot | None = None) -> list[stream_events.StreamEvent]:
        snapshot = snapshot or self.session.snapshot(self.follower.at.next)
        fetched = Fetched()
        while want := self.follower.want(snapshot, fetched):
            self._fetch(want, fetched)
        events = self.follower.advance(snapshot, fetched)
        for event in events:
            self._show(event)
        self.events += events
        return [event.model_copy(update={"id": ""}) for event in events]

    def _fetch(self, want: Want, fetched: Fetched) -> None:
        log = self.session.log
        if isinstance(want, WantLog):
            start = want.start or min((e.seq for e in log if e.turn == want.turn), default=0)
            events = items.from_log([entry for entry in log if start <= entry.seq < want.stop])
            if want.inline:
                assert fetched.inline is None, "fetched twice"
                fetched.inline = events
            else:
                assert fetched.missed is None, "fetched twice"
                fetched.missed = events
        elif isinstance(want, WantText):
            assert want.seq not in fetched.texts, "fetched twice"
            fetched.texts[want.seq] = next(e.text for e in log if e.seq == want.seq)
        elif isinstance(want, WantCalls):
            assert want.seq not in fetched.calls, "fetched twice"
            reply = next(e for e in log if e.seq == want.seq)
            assert isinstance(reply, ReplyEntry)
            fetched.calls[want.seq] = {want.seq + i: c.arguments for i, c in enumerate(reply.calls, 1)}
        else:
            assert want.turn not in fetched.turns, "fetched twice"
            fetched.turns[want.turn] = self.session.turns.get(want.turn)

    def _show(self, event: stream_events.StreamEvent) -> None:
        if isinstance(event, stream_events.TextDelta):
            assert event.text, "an empty delta"
            place = (event.turn, event.step)
            assert place == max([place, *self.shown]), "text of an earlier step after that of a later one"
            self.shown[place] = self.shown.get(place, "") + event.text
        elif isinstance(event, stream_events.TextRestart):
            self.shown[event.turn, event.step] = ""
        elif isinstance(event, stream_events.StepEnded):
            assert self.shown.get((event.turn, event.step), "") == event.text
