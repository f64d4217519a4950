"""A session's state between decisions: small, since content is in the log."""

from collections import deque
from collections.abc import Iterable
from typing import Any, Literal

from temporalio import workflow

from holdfast_workflows.contracts.budget import Spending
from holdfast_workflows.contracts.effects import Decision, PendingDecision
from holdfast_workflows.contracts.entries import Usage
from holdfast_workflows.contracts.limits import MAX_PAYLOAD
from holdfast_workflows.contracts.memory import PlanItem, RememberInput
from holdfast_workflows.contracts.resets import Abandoned, AsideResult
from holdfast_workflows.contracts.session import (
    CarriedState,
    Event,
    Message,
    SessionView,
    StartInput,
    Status,
    TurnState,
    TurnView,
)
from holdfast_workflows.contracts.spec import PinnedSpec, WhenBusy
from holdfast_workflows.contracts.steps import CallView, NewEntry
from holdfast_workflows.contracts.text import dump_json, preview, size

KEPT_TURNS = 32
"""Turns that are remembered after their end. Who asks for one may come late: a wait that met a roll-over is
asked again a while later, and short turns of others go on meanwhile."""

KEPT_EVENTS = 300
CARRIED_EVENTS = 30
KEPT_IDS = 200
KEPT_UNREMEMBERED = 200
"""Turns that may wait to be remembered; the oldest are given up, since every roll-over carries them."""

_MOST_CARRIED = 2_000_000
"""What a roll-over may weigh in bytes, under Temporal's limit: messages that wait are not given up for less."""


class SessionState:
    """Everything the session's workflow knows. Only its own coroutines change it."""

    def __init__(self, start: StartInput) -> None:
        carry = start.carry
        self.start = start
        self.spec: PinnedSpec | None = carry.spec if carry else None
        self.seq = carry.seq if carry else 1
        self.turns = carry.turns if carry else 0
        self.version = carry.version if carry else 0
        self.usage = carry.usage if carry else Usage()
        self.queue: deque[tuple[int, Message]] = deque(carry.queue if carry else ())
        self.running: TurnState | None = carry.running if carry else None
        self.unwritten: list[NewEntry] = list(carry.running.new if carry and carry.running else ())
        self.steering: list[str] = list(carry.steering if carry else ())
        self.paused = carry.paused if carry else False
        self.closing = carry.closing if carry else False
        self.streaming_until = carry.streaming_until if carry else 0.0
        self.recent: deque[TurnView] = deque(carry.recent if carry else (), maxlen=KEPT_TURNS)
        self.seen: dict[str, int] = dict(carry.seen) if carry else {}
        self.events: deque[Event] = deque(carry.events if carry else (), maxlen=KEPT_EVENTS)
        self.next_event = carry.next_event if carry else 0
        self.budget = carry.budget if carry else start.budget
        self.spending = carry.spending if carry else Spending()
        self.plan: tuple[PlanItem, ...] = carry.plan if carry else ()
        self.notes = carry.notes if carry else ""
        self.summary = carry.summary if carry else 0
        self.memory = carry.memory if carry else ""
        self.model = carry.model if carry else ""
        """The model that answered last; empty before the first answer."""
        self.unremembered: deque[RememberInput] = deque(
            carry.unremembered if carry else (), maxlen=KEPT_UNREMEMBERED
        )
        self.next_spec, self.own_output = _own(start)
        self.context = 0
        """How full the last prompt was, in percent of its budget."""
        self.active: dict[int, str] = {}
        self.pending: dict[str, PendingDecision] = {}
        self.decisions: dict[str, Decision] = {}
        self.waits: dict[int, str] = {}
        """Why something waits on a timer, by the sequence number of what waits."""
        self._held, self._held_since = 0, 0.0
        self.abandoned: Abandoned = carry.abandoned if carry else ()
        self.resets = carry.resets if carry else 0
        """Logs that resets have set aside."""
        self.resets_seen = 0
        """Resets that this run's history has; of ``resets_past`` all is taken in, ``resets_done`` are set aside."""
        self.resets_past = self.resets_done = 0
        self.calls_open: tuple[int, ...] = ()
        self.stopping = False
        """Whether the workflow itself was cancelled, so that it ends in this run."""
        self.ended: Status | None = None

    def accept(self, message: Message, *, place: int | None = None) -> int:
        """Queue a message, last or at a place, and return its turn; one seen before keeps the turn it has."""
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
        """Go on past what the old run wrote from ``start`` on."""
        self.abandoned = (*self.abandoned, (start, result.seq))
        self.seq, self.resets = max(self.seq, result.seq), result.logs
        # A turn's number is never given twice: clients of the old run may still ask for theirs.
        self.turns, self.version = max(self.turns, result.turns), max(self.version, result.version)
        if self.running is not None:
            self.change(reservation=None)  # the old run has used it

    @property
    def reset(self) -> bool:
        """Whether the run was reset and what the old one wrote is not set aside yet."""
        return self.resets_seen > self.resets_done

    def resume_at(self, seq: int, turns: int, version: int) -> None:
        """Go on where an earlier session of the same id stopped; turns accepted meanwhile are renumbered."""
        self.seq, self.version = seq, version
        if turns:
            self.turns += turns
            self.queue = deque((turn + turns, message) for turn, message in self.queue)
            self.seen = {id: turn + turns for id, turn in self.seen.items()}

    def take_next_spec(self) -> None:
        """Go on with the spec that was asked for while a turn ran: a turn ends with the one it began with."""
        if self.next_spec is not None and self.running is None:
            self.spec, self.next_spec = self.next_spec, None

    @property
    def queue_weight(self) -> int:
        """What the messages that wait weigh in a payload."""
        return sum(size(dump_json(message.text)) for _, message in self.queue)

    def cancel_turn(self, reason: str) -> None:
        """Have the running turn stop. The state keeps it, since a roll-over may be under way."""
        if self.running is not None:
            self.running = self.running.model_copy(update={"cancelled": reason})

    def change(self, **changes: Any) -> None:
        """Change what is known of the running turn."""
        self.running = self.turn.model_copy(update=changes)

    def write(self, kind: Literal["message", "steer", "repair"], text: str, *, ref: str = "") -> None:
        """Add something for the model to the log; the next ``think``, or the turn's end, writes it."""
        self.unwritten.append(NewEntry(seq=self.seq, kind=kind, text=text, ref=ref, turn=self.turn.turn))
        self.seq += 1

    def wait_for_decision(self, waiting: PendingDecision) -> None:
        """Something waits for a person from now on."""
        self.pending[waiting.id] = waiting
        self.pause_clock()

    def take_decision(self, id: str) -> Decision | None:
        """It waits no longer; what was decided, if somebody did."""
        del self.pending[id]
        self.resume_clock()
        return self.decisions.pop(id, None)

    def pause_clock(self) -> None:
        """People hold the turn up from now on; calls that wait for them side by side hold it up once."""
        self._held += 1
        if self._held == 1:
            self._held_since = workflow.time()

    def resume_clock(self) -> None:
        """One thing less waits for people; that time is not the turn's own."""
        self._held -= 1
        if not self._held:
            self.change(waited=self.turn.waited + workflow.time() - self._held_since)

    def waits_as(self, id: str) -> str:
        """The id under which something waits that is named by it, or by the key of its call.

        Of the key only the end counts: the rest is the session's id, and a history is replayed under any.
        """
        return id if id in self.pending else f"effect-{id.rpartition('-')[2]}"

    def resolve(self, decision: Decision) -> None:
        """Somebody decided; whoever waits for it takes it up."""
        decision = decision.model_copy(update={"id": self.waits_as(decision.id)})
        self.decisions[decision.id] = decision
        self.emit(
            Event(
                n=0,
                kind="decided",
                turn=self.turns if self.running is None else self.running.turn,
                name=decision.by,
                call_id=decision.id,
                text=preview(decision.text),
                status=decision.action,
            )
        )

    @property
    def undecided(self) -> tuple[PendingDecision, ...]:
        """What waits for a person still."""
        return tuple(each for each in self.pending.values() if each.id not in self.decisions)

    @property
    def seconds(self) -> float:
        """How long the session's turns have run, the running one included, without waiting for people."""
        running = self.running
        if running is None:
            return self.spending.seconds
        waited = running.waited + (workflow.time() - self._held_since if self._held else 0.0)
        return self.spending.seconds + max(0.0, workflow.time() - running.started - waited)

    def written(self, entries: Iterable[NewEntry]) -> None:
        """Entries that are in the log now; the list would grow for as long as no turn succeeds."""
        numbers = {entry.seq for entry in entries}
        self.unwritten[:] = [entry for entry in self.unwritten if entry.seq not in numbers]

    def watch(self, seconds: float) -> None:
        """Somebody reads along for so many seconds more."""
        self.streaming_until = max(self.streaming_until, workflow.time() + seconds)

    @property
    def streaming(self) -> bool:
        """Whether somebody reads along now."""
        return self.streaming_until > workflow.time()

    def emit(self, event: Event) -> None:
        """Add an event for those who follow; its number and time are filled in."""
        self.events.append(event.model_copy(update={"n": self.next_event, "at": workflow.time()}))
        self.next_event += 1

    def emit_call(
        self, kind: Literal["call_started", "call_ended"], call: CallView, status: str, text: str, size: int
    ) -> None:
        """Add an event about a call of the running turn."""
        self.emit(
            Event(
                n=0,
                kind=kind,
                turn=self.turn.turn,
                step=self.turn.step,
                seq=call.seq,
                name=call.name,
                call_id=call.id,
                text=text,
                size=size,
                status=status,
            )
        )

    @property
    def turn(self) -> TurnState:
        """The running turn; only while there is one."""
        assert self.running is not None
        return self.running

    @property
    def cancelled(self) -> bool:
        """Whether the running turn was told to stop."""
        return self.running is not None and bool(self.running.cancelled)

    def policy(self, message: Message) -> WhenBusy:
        """What a message does that comes while a turn runs."""
        return message.when_busy or (self.spec.when_busy if self.spec else "queue")

    def find_turn(self, turn: int) -> TurnView | None:
        """The turn as it stands; None if it never was or is forgotten (then the database has it)."""
        for view in self.recent:
            if view.turn == turn:
                return view
        if self.running and self.running.turn == turn:
            return self._running_view(self.running)
        for number, message in self.queue:
            if number == turn:
                return TurnView(turn=turn, status="queued", request=preview(message.text))
        return None

    def _running_view(self, running: TurnState) -> TurnView:
        return TurnView(
            turn=running.turn,
            status="running",
            request=running.request,
            steps=running.step,
            usage=running.usage,
            started=running.started,
        )

    @property
    def last_ended(self) -> TurnView | None:
        """The last turn that has ended."""
        return self.recent[-1] if self.recent else None

    @property
    def failed(self) -> TurnView | None:
        """The one turn of a task, once it has ended without being done."""
        last = self.last_ended
        return last if last and self.start.mode == "task" and last.status != "done" else None

    @property
    def status(self) -> Status:
        """What the session does now."""
        if self.ended:
            return self.ended
        if self.spec is None:
            return "starting"
        if self.paused:
            return "paused"
        if self.undecided:
            return "needs_person"
        if self.waits:
            return "waiting"
        return "running" if self.running or self.queue else "idle"

    def view(self, session: str, since: int) -> SessionView:
        """The session at a glance, with its events from ``since`` on."""
        running = self.running
        last = self._running_view(running) if running else self.last_ended
        return SessionView(
            session=session,
            agent=self.start.agent,
            tenant=self.start.tenant,
            mode=self.start.mode,
            status=self.status,
            turn=running.turn if running else (last.turn if last else 0),
            step=running.step if running else (last.steps if last else 0),
            queued=len(self.queue),
            seq=self.seq,
            model=self.model or (self.spec.model if self.spec else ""),
            usage=self.usage + running.usage if running else self.usage,
            active=tuple(self.active.values()),
            pending_decisions=self.undecided,
            waiting_for=next(iter(self.waits.values()), ""),
            user=self.start.user,
            plan=self.plan,
            notes=self.notes,
            memory=self.memory,
            context=self.context,
            budget=self.budget,
            spending=self.spending.model_copy(update={"seconds": round(self.seconds, 3)}),
            last=last,
            events=tuple(event for event in self.events if event.n >= since),
            next_event=self.next_event,
            pausing=self.paused and running is not None and not (self._held or self.waits or self.undecided),
        )

    def carry(self) -> CarriedState:
        """What goes over a roll-over; large parts are dropped before they could stop it."""
        assert self.spec is not None
        running = self.running
        if running:
            running = running.model_copy(update={"new": tuple(self.unwritten)})
        carried = CarriedState(
            spec=self.spec,
            seq=self.seq,
            turns=self.turns,
            version=self.version,
            usage=self.usage,
            queue=tuple(self.queue),
            running=running,
            steering=tuple(self.steering),
            paused=self.paused,
            closing=self.closing,
            streaming_until=self.streaming_until,
            recent=tuple(self.recent),
            seen=self.seen,
            events=tuple(self.events)[-CARRIED_EVENTS:],
            next_event=self.next_event,
            budget=self.budget,
            spending=self.spending,
            plan=self.plan,
            notes=self.notes,
            summary=self.summary,
            memory=self.memory,
            model=self.model,
            unremembered=tuple(self.unremembered),
            abandoned=self.abandoned,
            resets=self.resets,
            next_spec=self.next_spec,
            own_output=self.own_output,
        )
        if _weight(carried) > MAX_PAYLOAD:
            carried = carried.model_copy(update={"events": (), "recent": carried.recent[-1:]})
            if carried.unremembered and _weight(carried) > _MOST_CARRIED:
                workflow.logger.error("%d turns are not remembered: no room", len(carried.unremembered))
                carried = carried.model_copy(update={"unremembered": ()})
        return carried


def _own(start: StartInput) -> tuple[PinnedSpec | None, bool]:
    """The spec to take after the running turn, and whether the output shape was given at the start."""
    carry = start.carry
    return (carry.next_spec, carry.own_output) if carry else (None, start.output is not None)


def _weight(carried: CarriedState) -> int:
    return len(workflow.payload_converter().to_payload(carried).data)
