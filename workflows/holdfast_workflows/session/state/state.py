"""The state of a session's workflow: decisions and counts; content is in the log."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypedDict, Unpack

from temporalio import workflow

from holdfast_workflows.contracts.agent.memory import RememberInput
from holdfast_workflows.contracts.agent.spec import WhenBusy
from holdfast_workflows.contracts.control.inbox import Answer
from holdfast_workflows.contracts.control.notifications import Notification
from holdfast_workflows.contracts.limits import MAX_PAYLOAD
from holdfast_workflows.contracts.operations.resets import AsideResult
from holdfast_workflows.contracts.session import descriptions
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import (
    CarriedState,
    Event,
    EventKind,
    Message,
    SessionView,
    StartInput,
    Status,
    TurnState,
    TurnView,
)
from holdfast_workflows.contracts.session.steps import CallView, NewEntry
from holdfast_workflows.contracts.text.unicode import dump_json, preview, size

from ..principal import actor
from .open_items import OpenItems
from .origin.ownership import Ownership
from .reporting.timeline import Timeline
from .reporting.trail import AuditTrail

KEPT_TURNS = 32
"""Ended turns that the workflow keeps, since a wait that a continue-as-new interrupted is repeated late."""

KEPT_EVENTS = 300
CARRIED_EVENTS = 30
KEPT_IDS = 200
KEPT_UNREMEMBERED = 200
"""Ended turns that may wait for ``remember_turn``; beyond that the oldest is dropped."""

_MOST_CARRIED = 2_000_000
"""Bytes of the carried state, under Temporal's limit of 2 MiB. Queued messages are never dropped."""


class EventFields(TypedDict, total=False):
    """Fields of an event that only some kinds have."""

    seq: int
    name: str
    call_id: str
    size: int
    status: str
    usage: Usage
    seconds: float
    arguments: str
    session: str


class SessionState(Ownership):
    """The state of a session. Only coroutines of its workflow change it."""

    stopping = False
    """Whether the workflow itself was cancelled, so that it ends in this run."""
    stop_calls: Callable[[], None] = staticmethod(lambda: None)
    """Cancels the running activities of the turn."""
    on_notification: Callable[[], None] | None = None
    """Starts sending notifications."""
    thinking_since = 0.0
    """When the model call that runs now was scheduled; 0 for none."""

    def __init__(self, start: StartInput) -> None:
        carried = start.carry or CarriedState(budget=start.budget, own_output=start.output is not None)
        self.start = start
        self.spec = carried.spec
        self.seq, self.turns, self.version = carried.seq, carried.turns, carried.version
        self.usage = carried.usage
        self.queue: deque[tuple[int, Message]] = deque(carried.queue)
        self.running = carried.running
        self.unwritten: list[NewEntry] = list(carried.running.new if carried.running else ())
        self.steering: list[str] = list(carried.steering)
        self.paused, self.closing, self.debug = carried.paused, carried.closing, carried.debug
        self.streaming_until = carried.streaming_until
        self.recent: deque[TurnView] = deque(carried.recent, maxlen=KEPT_TURNS)
        self.seen = dict(carried.seen)
        self.events: deque[Event] = deque(carried.events, maxlen=KEPT_EVENTS)
        self.next_event = carried.next_event
        self.timeline = Timeline(carried.events)
        self.budget = carried.budget
        self.spending = carried.spending
        self.plan, self.notes = carried.plan, carried.notes
        self.summary = carried.summary
        self.memory = carried.memory
        self.model = carried.model
        self.unremembered: deque[RememberInput] = deque(carried.unremembered, maxlen=KEPT_UNREMEMBERED)
        self.unsent: deque[Notification] = deque(carried.unsent)
        self.handover, self.steered_by = carried.handover, carried.steered_by
        self.next_spec, self.removed = carried.next_spec, carried.removed
        self.own_output = carried.own_output
        self.untrusted, self.called = carried.untrusted, dict(carried.called)
        self.abandoned, self.principal, self.others = carried.abandoned, carried.principal, carried.others
        self.resets, self.team, self.children = carried.resets, carried.team, carried.children
        self.trail = AuditTrail(carried.trail, start.tenant)
        self.audit = self.trail.record
        self.resets_seen, self.resets_past = 0, 0
        """Resets in this run's history, and those of them whose replayed messages have all been applied."""
        self.resets_done = 0
        """Of these, resets whose leftovers are set aside."""
        self.calls_open: tuple[int, ...] = ()
        self.context = 0
        """How full the last prompt was, in percent of its budget."""
        self.active: dict[int, str] = {}
        self.inbox = OpenItems(carried.inbox, carried.answers)
        self.waits: dict[int, str] = {}
        """Reasons of the waits on a timer, by the sequence number of the waiting call or step."""
        self._clock_pauses, self._clock_paused_at = 0, 0.0
        self.ended: Status | None = None

    def accept(self, message: Message, *, place: int | None = None) -> int:
        """Queue a message, by default as the last, and return its turn. A repeated id returns the same turn."""
        if message.id in self.seen:
            return self.seen[message.id]
        self.turns += 1
        self.seen[message.id] = self.turns
        while len(self.seen) > KEPT_IDS:
            del self.seen[next(iter(self.seen))]
        self.queue.insert(len(self.queue) if place is None else place, (self.turns, message))
        if message.streaming:
            self.watch(60.0)
        return self.turns

    def go_on_after_reset(self, result: AsideResult, start: int) -> None:
        """Continue after the entries that the old run wrote from ``start`` on."""
        self.abandoned = (*self.abandoned, (start, result.seq))
        self.seq, self.resets = max(self.seq, result.seq), result.logs
        if result.removed:  # the session cannot go on: its turns fail, and it ends
            self.removed, self.closing = result.removed, True
        # Turn numbers are never reused: clients of the old run may still query theirs.
        self.turns, self.version = max(self.turns, result.turns), max(self.version, result.version)
        if self.running is not None:
            self.change(reservation=None)  # used by the old run

    @property
    def reset(self) -> bool:
        """Whether the run was reset and the old run's writes are not set aside yet."""
        return self.resets_seen > self.resets_done

    def resume_at(self, seq: int, turns: int, version: int) -> None:
        """Continue an earlier session of the same id; turns accepted since the start are renumbered."""
        self.seq, self.version = seq, version
        if turns:
            self.turns += turns
            self.queue = deque((turn + turns, message) for turn, message in self.queue)
            self.seen = {id: turn + turns for id, turn in self.seen.items()}

    def take_next_spec(self) -> None:
        """Use the spec loaded by ``repin``, once no turn is running."""
        if self.next_spec is not None and self.running is None:
            self.spec, self.next_spec = self.next_spec, None

    @property
    def queue_weight(self) -> int:
        """Bytes of the queued messages in a payload."""
        return sum(size(dump_json(message.text)) for _, message in self.queue)

    def cancel_turn(self, reason: str) -> None:
        """Mark the running turn as cancelled. The mark is carried if the session is about to continue as new."""
        if self.running is not None:
            self.running = self.running.model_copy(update={"cancelled": reason})

    def change(self, **changes: Any) -> None:
        """Update fields of the running turn."""
        self.running = self.turn.model_copy(update=changes)

    def write(self, kind: Literal["message", "steer", "repair"], text: str, *, ref: str = "") -> None:
        """Add an entry for the model; the next ``think``, or the end of the turn, writes it to the log."""
        self.unwritten.append(NewEntry(seq=self.seq, kind=kind, text=text, ref=ref, turn=self.turn.turn))
        self.seq += 1

    def pause_clock(self) -> None:
        """Stop counting the turn's time, which excludes waits for people. Parallel waits count once."""
        self._clock_pauses += 1
        if self._clock_pauses == 1:
            self._clock_paused_at = workflow.time()

    def resume_clock(self) -> None:
        """Count the turn's time again when the last of the parallel waits has ended."""
        self._clock_pauses -= 1
        if not self._clock_pauses:
            self.change(waited=self.turn.waited + workflow.time() - self._clock_paused_at)

    def answer(self, answer: Answer) -> None:
        """Store a person's answer for the coroutine that waits for it."""
        self.inbox.give(answer)
        text = preview(answer.text)
        self.emit("decided", text, name=answer.by, call_id=answer.id, status=answer.action)

    @property
    def seconds(self) -> float:
        """Seconds that the session's turns have run, without waits for people."""
        running = self.running
        if running is None:
            return self.spending.seconds
        waited = running.waited + (workflow.time() - self._clock_paused_at if self._clock_pauses else 0.0)
        return self.spending.seconds + max(0.0, workflow.time() - running.started - waited)

    def notify(self, notification: Notification) -> None:
        """Queue a notification and have it sent."""
        self.unsent.append(notification)
        if self.on_notification is not None:
            self.on_notification()

    def mark_written(self, entries: Iterable[NewEntry]) -> None:
        """Remove entries from ``unwritten``, since they are in the log now."""
        numbers = {entry.seq for entry in entries}
        self.unwritten[:] = [entry for entry in self.unwritten if entry.seq not in numbers]

    def watch(self, seconds: float) -> None:
        """Stream partial text for ``seconds`` from now on."""
        self.streaming_until = max(self.streaming_until, workflow.time() + seconds)

    @property
    def streaming(self) -> bool:
        """Whether a client follows the session now."""
        return self.streaming_until > workflow.time()

    def emit(
        self,
        kind: EventKind,
        text: str = "",
        *,
        at: tuple[int, int] | None = None,
        when: float | None = None,
        shown: str = "",
        **fields: Unpack[EventFields],
    ) -> None:
        """Add an event for followers. ``at`` is its turn and step, by default the running ones; ``when`` its time.

        ``shown`` is an inline call's arguments for the timeline.
        """
        turn, step = at or ((self.running.turn, self.running.step) if self.running else (self.turns, 0))
        now = workflow.time() if when is None else when
        by = actor()
        event = Event(n=self.next_event, at=now, kind=kind, text=text, turn=turn, step=step, by=by, **fields)
        self.events.append(event)
        self.timeline.add(event, shown)
        self.next_event += 1

    def emit_call(
        self,
        kind: Literal["call_started", "call_ended"],
        call: CallView,
        text: str,
        *,
        when: float | None = None,
        **fields: Unpack[EventFields],
    ) -> None:
        """Add an event about a call of the running turn."""
        fields |= {"seq": call.seq, "name": call.name, "call_id": call.id}
        if kind == "call_started" or call.done:
            fields["arguments"] = call.arguments
        self.emit(kind, text, when=when, shown=descriptions.given(call), **fields)

    @property
    def turn(self) -> TurnState:
        """The running turn; there must be one."""
        assert self.running is not None
        return self.running

    @property
    def cancelled(self) -> bool:
        """Whether the running turn was cancelled."""
        return self.running is not None and bool(self.running.cancelled)

    def policy(self, message: Message) -> WhenBusy:
        """What the message does while another turn runs."""
        return message.when_busy or (self.spec.when_busy if self.spec else "queue")

    def find_turn(self, turn: int) -> TurnView | None:
        """Return a queued, running or recent turn; older ones are in the state database."""
        if self.running and self.running.turn == turn:
            return self._running_view(self.running)
        queued = (
            TurnView(turn=number, status="queued", request=preview(message.text))
            for number, message in self.queue
        )
        return next((view for view in (*self.recent, *queued) if view.turn == turn), None)

    def _running_view(self, running: TurnState) -> TurnView:
        return TurnView(
            turn=running.turn,
            status="running",
            request=running.request,
            steps=running.step,
            usage=running.usage,
            started=running.started,
            by=running.by,
        )

    @property
    def total_usage(self) -> Usage:
        """Usage of all turns, the running one included."""
        return self.usage + self.running.usage if self.running else self.usage

    @property
    def last_ended(self) -> TurnView | None:
        """The turn that ended last."""
        return self.recent[-1] if self.recent else None

    @property
    def failed(self) -> TurnView | None:
        """The turn of a task that ended without being done."""
        last = self.last_ended if self.start.mode == "task" else None
        return last if last and last.status != "done" else None

    @property
    def status(self) -> Status:
        """The session's status now."""
        if self.ended:
            return self.ended
        if self.spec is None:
            return "waiting" if self.waits else "starting"
        if self.paused:
            return "paused"
        if self.inbox.unanswered:
            return "needs_person"
        if self.waits:
            return "waiting"
        return "running" if self.running or self.queue else "idle"

    def view(self, session: str, since: int) -> SessionView:
        """Return the session's status with its events from ``since`` on."""
        running = self.running
        last = self._running_view(running) if running else self.last_ended
        return SessionView(
            session=session,
            agent=self.agent,
            tenant=self.start.tenant,
            mode=self.start.mode,
            status=self.status,
            turn=running.turn if running else (last.turn if last else 0),
            step=running.step if running else (last.steps if last else 0),
            queued=len(self.queue),
            seq=self.seq,
            model=self.model or (self.spec.model if self.spec else ""),
            usage=self.total_usage,
            active=tuple(self.active.values()),
            inbox=self.inbox.unanswered,
            waiting_for=next(iter(self.waits.values()), ""),
            user=self.start.user,
            plan=self.plan,
            notes=self.notes,
            memory=self.memory,
            context=self.context,
            budget=self.budget,
            spending=self.spending.model_copy(update={"seconds": round(self.seconds, 3)}),
            handover=self.handover,
            last=last,
            events=tuple(event for event in self.events if event.n >= since),
            next_event=self.next_event,
            started_by=self.started_by,
            team=self.team,
            parent=self.parent,
            fork=self.start.fork.source if self.start.fork else None,
            debug=self.debug,
            pausing=self.paused
            and running is not None
            and not (self._clock_pauses or self.waits or self.inbox.unanswered),
        )

    def carried(self) -> CarriedState:
        """Return the state for the next run; optional parts are dropped when it is too large for a payload."""
        running = self.running
        made_elsewhere = {"answers", "trail"}
        values: dict[str, Any] = {
            name: getattr(self, name) for name in CarriedState.model_fields if name not in made_elsewhere
        }
        values |= {
            name: tuple(values[name]) for name in ("queue", "steering", "recent", "unremembered", "unsent")
        }
        values |= {"inbox": self.inbox.carried, "answers": self.inbox.carried_answers}
        values["trail"] = self.trail.carried()
        values["events"] = tuple(self.events)[-CARRIED_EVENTS:]
        values["running"] = running and running.model_copy(update={"new": tuple(self.unwritten)})
        carried = CarriedState(**values)
        if _weight(carried) > MAX_PAYLOAD:
            carried = carried.model_copy(update={"events": (), "recent": carried.recent[-1:]})
            if carried.unremembered and _weight(carried) > _MOST_CARRIED:
                workflow.logger.error("%d turns are not remembered: no room", len(carried.unremembered))
                carried = carried.model_copy(update={"unremembered": ()})
        return carried


def _weight(carried: CarriedState) -> int:
    return len(workflow.payload_converter().to_payload(carried).data)
