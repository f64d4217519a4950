"""What the runs of a session say that the state database has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import PayloadConverter

from holdfast_activities.state.verification.expected import ExpectedEntry, ExpectedSession
from holdfast_temporal.histories.fetching import Run
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import CompactInput, CompactResult, RecallInput, RecallResult
from holdfast_workflows.contracts.agent.spec import Effect
from holdfast_workflows.contracts.base import Contract
from holdfast_workflows.contracts.errors import EncryptionError
from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.session.entries import (
    Entry,
    MemoryEntry,
    ReplyEntry,
    ResultEntry,
    SummaryEntry,
    ToolCall,
    UserEntry,
)
from holdfast_workflows.contracts.session.records import ledger_key, turn_record
from holdfast_workflows.contracts.session.session import CarriedState, StartInput, TurnView
from holdfast_workflows.contracts.session.steps import (
    ActInput,
    ActResult,
    CallView,
    LoadResult,
    NewEntry,
    SettleInput,
    StepView,
    ThinkInput,
    ThinkResult,
)
from holdfast_workflows.contracts.text.unicode import digest, preview, size

_RESET: Final = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW

_STATUSES: Final[dict[int, str]] = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: "closed",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: "failed",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: "failed",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: "cancelled",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: "cancelled",
}

C = TypeVar("C", bound=Contract)
T = TypeVar("T")


def expected(session: str, runs: Iterable[Run], converter: PayloadConverter) -> ExpectedSession:
    """Read the runs of a session, newest first."""
    found = ExpectedSession(session)
    for number, run in enumerate(reversed(list(runs))):
        _Reader(found, converter, oldest=number == 0).read(run)
    return found


class _Reader:
    """Reads one run into what is expected of its session; later runs go on from earlier ones."""

    def __init__(self, found: ExpectedSession, converter: PayloadConverter, *, oldest: bool) -> None:
        self._oldest = oldest
        self._found = found
        self._converter = converter
        self._scheduled: dict[int, tuple[str, Payloads]] = {}
        self._effects_of: dict[str, Effect] = {}

    def read(self, run: Run) -> None:
        """Read the events of a run."""
        self._found.complete = self._found.complete and run.complete
        for event in run.events:
            self._event(event)

    def _event(self, event: HistoryEvent) -> None:
        kind = event.event_type
        if kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            self._started(event)
        elif kind == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            task = event.activity_task_scheduled_event_attributes
            self._scheduled[event.event_id] = task.activity_type.name, task.input
        elif kind == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            done = event.activity_task_completed_event_attributes
            if given := self._scheduled.pop(done.scheduled_event_id, None):
                self._completed(*given, done.result, _seconds(event))
        elif kind == EventType.EVENT_TYPE_MARKER_RECORDED:
            self._marker(event)
        elif event.workflow_task_failed_event_attributes.cause == _RESET:
            self._scheduled.clear()  # the workflow makes these calls again, and removes what they still write
        self._found.status = _STATUSES.get(kind, self._found.status)

    def _started(self, event: HistoryEvent) -> None:
        given, found = event.workflow_execution_started_event_attributes.input, self._found
        start = self._read(given.payloads, StartInput) or StartInput()
        found.agent, found.tenant, found.user = start.agent or found.agent, start.tenant, start.user
        found.started = found.started or _seconds(event)
        found.status = ""
        if start.carry is not None:
            self._carried(start.carry)

    def _carried(self, carry: CarriedState) -> None:
        found = self._found
        found.version = max(found.version, carry.version)
        if carry.spec is not None:
            found.digest, found.agent = carry.spec.digest, carry.spec.agent
            self._effects_of = {name: tool.effect for name, tool in carry.spec.tools.items()}
        for view in carry.recent:
            self._turn(view)
        # Otherwise the runs before this one are gone from the server.
        found.complete = found.complete and not self._oldest

    def _turn(self, view: TurnView) -> None:
        if view.status not in ("queued", "running"):
            self._found.ended[view.turn] = view.status
            self._found.records[view.turn] = turn_record(view)

    def _marker(self, event: HistoryEvent) -> None:
        """A local activity: its input is not in the history, but its summary says which turn was stored."""
        details = event.marker_recorded_event_attributes.details
        metadata = event.user_metadata
        summary = self._value(metadata.summary, str) if metadata.HasField("summary") else ""
        words = (summary or "").split()
        if words[:1] == ["load"] and "result" in details:
            self._loaded(self._read(details["result"].payloads, LoadResult))
        elif words[:1] == ["settle"] and "result" in details:
            version = self._value(details["result"].payloads[0], int)
            self._found.version = max(self._found.version, version or 0)
            if len(words) == 4 and words[1] == "turn" and words[2].isdecimal():
                self._found.ended.setdefault(int(words[2]), words[3])

    def _loaded(self, loaded: LoadResult | None) -> None:
        if loaded is not None:
            self._found.digest, self._found.agent = loaded.spec.digest, loaded.spec.agent
            self._effects_of = {name: tool.effect for name, tool in loaded.spec.tools.items()}
            self._found.version = max(self._found.version, loaded.version)

    def _completed(self, name: str, given: Payloads, result: Payloads, at: float) -> None:
        if name == names.THINK:
            self._steps(self._read(given.payloads, ThinkInput), self._read(result.payloads, ThinkResult), at)
        elif name == names.SETTLE_TURN:
            self._settled(self._read(given.payloads, SettleInput), result, at)
        elif name == names.LOAD_AGENT:
            self._loaded(self._read(result.payloads, LoadResult))
        elif name == names.RECALL:
            asked = self._read(given.payloads, RecallInput)
            answer = self._read(result.payloads, RecallResult)
            if asked and answer and answer.found:
                self._add(MemoryEntry(seq=asked.seq, turn=asked.turn, at=at), whole=False)
        elif name == names.COMPACT:
            self._compacted(
                self._read(given.payloads, CompactInput), self._read(result.payloads, CompactResult), at
            )
        elif name not in names.RESERVED:
            self._call(self._read(given.payloads, ActInput), self._read(result.payloads, ActResult), at)

    def _steps(self, asked: ThinkInput | None, answer: ThinkResult | None, at: float) -> None:
        if asked is None or answer is None or not answer.steps:
            return
        self._found.digest = asked.digest
        for new in asked.new:
            self._new(new, asked.step, at)
        for place, step in enumerate(answer.steps):
            self._step(step, asked.turn, asked.step + place, at)

    def _step(self, step: StepView, turn: int, number: int, at: float) -> None:
        place: dict[str, Any] = {"turn": turn, "step": number, "at": at}
        calls = tuple(ToolCall(id=call.id, name=call.name, arguments=call.arguments) for call in step.calls)
        reply = ReplyEntry(
            seq=step.seq,
            text=step.text,
            calls=calls,
            finish=step.finish,
            usage=step.usage,
            model=step.model,
            seconds=step.seconds,
            **place,
        )
        whole = size(step.text) == step.size and all(call.arguments for call in step.calls)
        self._add(reply, whole=whole)
        for call in step.calls:
            if call.done:
                self._add(
                    _result(call, place),
                    whole=_is_whole(call.result, call.size, call.result_digest),
                    digest=call.result_digest,
                )

    def _new(self, new: NewEntry, step: int, at: float) -> None:
        place: dict[str, Any] = {"seq": new.seq, "turn": new.turn, "step": step, "at": at}
        if new.kind in ("failed", "cancelled", "denied"):
            entry: Entry = ResultEntry(
                call_id=new.call_id, name=new.name, text=new.text, status=new.kind, **place
            )
            self._add(entry, whole=True)
        else:
            role = new.kind
            self._add(UserEntry(role=role, text=new.text, **place), whole=not new.ref)

    def _call(self, call: ActInput | None, answer: ActResult | None, at: float) -> None:
        """A tool's own activity."""
        if call is None or answer is None or call.mode == "undo" or not _is_settled(answer):
            return
        entry = ResultEntry(
            seq=call.seq,
            turn=call.turn,
            step=call.step,
            at=at,
            call_id=call.call_id,
            name=call.name,
            text=answer.preview,
            status=answer.status,
            seconds=answer.seconds,
        )
        whole = _is_whole(answer.preview, answer.size, answer.digest)
        self._add(entry, whole=whole, digest=answer.digest)
        effect = self._effects_of.get(call.name, "none")
        # A fork makes no call with an effect. After a reset, the call may have been made before it, under another key.
        if effect != "none" and answer.status == "ok" and call.fork is None and not call.resets:
            key = ledger_key(call)
            self._found.effects[key] = EffectView(
                key=key,
                session=call.session,
                seq=call.seq,
                turn=call.turn,
                agent=call.agent,
                tenant=call.tenant,
                tool=call.name,
                effect=effect,
                status="settled",
                arguments=preview(call.arguments),
                result=answer.preview,
                by=call.by,
                claimed=at,
                settled=at,
            )

    def _settled(self, change: SettleInput | None, result: Payloads, at: float) -> None:
        """A turn that was stored by an activity of its own."""
        version = self._value(result.payloads[0], int) if result.payloads else None
        self._found.version = max(self._found.version, version or 0)
        if change is None:
            return
        for new in change.new:
            self._new(new, 0, at)
        if change.turn is not None:
            self._found.ended[change.turn.turn] = change.turn.status
            self._found.records[change.turn.turn] = change.turn

    def _compacted(self, asked: CompactInput | None, answer: CompactResult | None, at: float) -> None:
        if asked and answer and answer.to and answer.how:
            entry = SummaryEntry(
                seq=asked.seq, turn=asked.turn, at=at, text="", start=answer.start, stop=answer.to
            )
            self._add(entry, whole=False)

    def _add(self, entry: Entry, *, whole: bool, digest: str = "") -> None:
        self._found.entries[entry.seq] = ExpectedEntry(entry, whole, digest)

    def _read(self, payloads: Iterable[Payload], kind: type[C]) -> C | None:
        first = next(iter(payloads), None)
        return None if first is None else self._value(first, kind)

    def _value(self, payload: Payload, kind: type[T]) -> T | None:
        """A value; None if it cannot be read, as without its keys."""
        try:
            [value] = self._converter.from_payloads([payload], [kind])
        except (ValueError, KeyError, RuntimeError, EncryptionError):  # ValidationError is a ValueError
            return None
        return value if isinstance(value, kind) else None  # it may be bytes, from outside


def _result(call: CallView, place: dict[str, Any]) -> ResultEntry:
    return ResultEntry(
        seq=call.seq,
        call_id=call.id,
        name=call.name,
        text=call.result,
        status=call.status or "ok",
        seconds=call.seconds,
        **place,
    )


def _is_settled(answer: ActResult) -> bool:
    """Whether the call has its result; otherwise it waits for something."""
    later = (answer.wait, answer.asks, answer.children, answer.ticket)
    return not answer.unknown and not answer.used_up and all(each is None for each in later)


def _is_whole(shown: str, bytes_: int, of: str) -> bool:
    """Whether a preview is the whole text, which has that size and digest."""
    return size(shown) == bytes_ and (not of or digest(shown) == of)


def _seconds(event: HistoryEvent) -> float:
    return event.event_time.seconds + event.event_time.nanos / 1e9
