"""What a session's history says, as records: activities, timers, requests, statuses and failed workflow tasks.

Only the history is read, so a trace also works while no worker answers, or while the workflow task fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import EventType, TimeoutType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter

from holdfast_temporal.histories.clearing import value_of
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.session.trace_ids import TraceHeader

from .json_values import number_of, object_of
from .task_waits import TaskWait, WorkflowTask

Outcome = Literal["open", "ok", "failed", "cancelled", "timed_out", "lost"]
"""``lost``: its worker sent no heartbeat any more."""

_ENDED: Final[dict[int, str]] = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: "closed",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: "failed",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: "failed",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: "cancelled",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: "terminated",
}

_CHILD_ENDED: Final[dict[int, Outcome]] = {
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED: "ok",
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED: "failed",
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT: "timed_out",
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED: "cancelled",
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED: "cancelled",
}

_OF_TASKS: Final = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
    }
)

_ACTIVITY_ENDED: Final[dict[int, Outcome]] = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: "ok",
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED: "failed",
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: "timed_out",
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED: "cancelled",
}


@dataclass
class Activity:
    """One activity, or a child workflow. Times are seconds since 1970; 0 if it has not come to that."""

    id: str
    type: str
    scheduled: float
    summary: str = ""
    queue: str = ""
    given: dict[str, Any] = field(default_factory=dict[str, Any])
    started: float = 0.0
    ended: float = 0.0
    attempt: int = 1
    worker: str = ""
    last_error: str = ""
    """The error of the attempt before."""
    outcome: Outcome = "open"
    error: str = ""
    result: dict[str, Any] = field(default_factory=dict[str, Any])
    child: bool = False
    trace_parent: str = ""
    """The span above its turn, as the header has it."""

    @property
    def turn(self) -> int:
        """Its turn; 0 for none."""
        if self.child:
            return 0
        found = self.given.get("turn")
        # What settles a turn has its whole record.
        return int(number_of(object_of(found).get("turn") if self.type == names.SETTLE_TURN else found))

    @property
    def step(self) -> int:
        """Its step; 0 for none."""
        return int(number_of(self.given.get("step")))

    @property
    def reason(self) -> str:
        """Why what it returned has to wait, or failed."""
        # Activities have the same names for other things, too.
        wait, failed = object_of(self.result.get("wait")), object_of(self.result.get("failed"))
        return str(wait.get("reason") or failed.get("message") or "")


@dataclass
class Timer:
    """A durable timer, and what it waited for."""

    about: str
    started: float
    ended: float = 0.0


@dataclass
class Request:
    """An update that a client sent."""

    name: str
    accepted: float
    given: dict[str, Any] = field(default_factory=dict[str, Any])
    answer: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class TaskFailure:
    """A workflow task that failed or timed out: the session could not decide what to do next."""

    at: float
    what: str
    worker: str
    recovered: bool = False


@dataclass
class Records:
    """What the runs of a session recorded, in order."""

    began: float = 0.0
    ended: float = 0.0
    status: str = ""
    """How the last run ended; empty while it is open."""
    error: str = ""
    started_with: dict[str, Any] = field(default_factory=dict[str, Any])
    activities: list[Activity] = field(default_factory=list[Activity])
    timers: list[Timer] = field(default_factory=list[Timer])
    requests: list[Request] = field(default_factory=list[Request])
    statuses: list[tuple[float, str, str]] = field(default_factory=list[tuple[float, str, str]])
    """Changes of the session's status, with what it waits for."""
    settled: dict[int, tuple[float, str]] = field(default_factory=dict[int, tuple[float, str]])
    """When each turn was settled, and how it ended."""
    failures: list[TaskFailure] = field(default_factory=list[TaskFailure])
    task_waits: list[TaskWait] = field(default_factory=list[TaskWait])
    runs: int = 0
    events: int = 0


class RecordReader:
    """Reads events in order."""

    def __init__(self, converter: DataConverter) -> None:
        self._converter = converter
        self.records = Records()
        self._activities: dict[int, Activity] = {}
        self._timers: dict[int, Timer] = {}
        self._requests: dict[int, Request] = {}
        self._task = WorkflowTask()

    def read(self, events: Iterable[HistoryEvent]) -> None:
        """Read the events of the next run."""
        self.records.runs += 1
        self._activities, self._timers, self._requests = {}, {}, {}
        self._task = WorkflowTask()
        for event in events:
            self.records.events += 1
            self._event(event)
        if self._task.waiting is not None and not self.records.status:
            self.records.task_waits.append(self._task.waiting)

    def _event(self, event: HistoryEvent) -> None:
        kind, at, records = event.event_type, seconds(event.event_time), self.records
        if kind == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            self._scheduled(event, at)
        elif kind == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            started = event.activity_task_started_event_attributes
            if each := self._activities.get(started.scheduled_event_id):
                each.started, each.attempt, each.worker = at, started.attempt, started.identity
                each.last_error = text_of(started.last_failure)
        elif kind in _ACTIVITY_ENDED:
            self._ended(event, at)
        elif kind == EventType.EVENT_TYPE_TIMER_STARTED:
            timer = self._timers[event.event_id] = Timer(self._summary(event), at)
            records.timers.append(timer)
        elif kind == EventType.EVENT_TYPE_TIMER_FIRED:
            self._timer_ended(event.timer_fired_event_attributes.started_event_id, at)
        elif kind == EventType.EVENT_TYPE_TIMER_CANCELED:
            self._timer_ended(event.timer_canceled_event_attributes.started_event_id, at)
        elif kind == EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
            found = event.upsert_workflow_search_attributes_event_attributes.search_attributes
            self._status(at, found.indexed_fields)
        elif kind == EventType.EVENT_TYPE_MARKER_RECORDED:
            self._marker(self._summary(event), at)
        else:
            self._other(event, kind, at)

    def _other(self, event: HistoryEvent, kind: int, at: float) -> None:
        records = self.records
        if kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            started = event.workflow_execution_started_event_attributes
            records.began = records.began or at
            records.started_with = records.started_with or self._first(started.input)
            records.status, records.error, records.ended = "", "", 0.0
            self._status(at, started.search_attributes.indexed_fields)
        elif kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
            asked = event.workflow_execution_update_accepted_event_attributes.accepted_request.input
            request = Request(asked.name, at, self._first(asked.args))
            self._requests[event.event_id] = request
            records.requests.append(request)
        elif kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
            done = event.workflow_execution_update_completed_event_attributes
            if asked_before := self._requests.get(done.accepted_event_id):
                asked_before.answer = self._first(done.outcome.success)
        elif kind in _OF_TASKS:
            self._workflow_task(event, at)
        elif kind in _ENDED:
            records.status, records.ended, records.error = _ENDED[kind], at, _reason(event)
        else:
            self._child(event, kind, at)

    def _scheduled(self, event: HistoryEvent, at: float) -> None:
        found = event.activity_task_scheduled_event_attributes
        each = Activity(
            id=found.activity_id,
            type=found.activity_type.name,
            scheduled=at,
            summary=self._summary(event),
            queue=found.task_queue.name,
            given=self._first(found.input),
        )
        if header := TraceHeader.read(found.header.fields):
            each.trace_parent = header.parent
        self._activities[event.event_id] = each
        self.records.activities.append(each)

    def _ended(self, event: HistoryEvent, at: float) -> None:
        kind = event.event_type
        attributes: Any = getattr(event, event.WhichOneof("attributes") or "")
        each = self._activities.get(attributes.scheduled_event_id)
        if each is None:
            return
        each.ended, each.outcome = at, _ACTIVITY_ENDED[kind]
        if each.outcome == "ok":
            each.result = self._first(attributes.result)
            if each.type == names.SETTLE_TURN and each.turn:
                self.records.settled[each.turn] = at, str(object_of(each.given["turn"]).get("status", ""))
        elif each.outcome in {"failed", "timed_out"}:
            failure: Failure = attributes.failure
            each.error = text_of(failure)
            timeout = failure.timeout_failure_info.timeout_type
            if timeout == TimeoutType.TIMEOUT_TYPE_HEARTBEAT:
                each.outcome = "lost"
            elif timeout == TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START:
                each.error = f"no worker of {each.queue} took it"

    def _child(self, event: HistoryEvent, kind: int, at: float) -> None:
        if kind == EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
            found = event.start_child_workflow_execution_initiated_event_attributes
            given = self._first(found.input)
            name = str(given.get("agent") or found.workflow_type.name)
            child = Activity(found.workflow_id, name, at, queue=found.task_queue.name, child=True)
            child.summary = self._summary(event)
            self._activities[event.event_id] = child
            self.records.activities.append(child)
        elif kind == EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
            started = event.child_workflow_execution_started_event_attributes
            if each := self._activities.get(started.initiated_event_id):
                each.started = at
        elif kind in _CHILD_ENDED:
            attributes: Any = getattr(event, event.WhichOneof("attributes") or "")
            if each := self._activities.get(attributes.initiated_event_id):
                each.ended, each.outcome = at, _CHILD_ENDED[kind]
                each.error = text_of(getattr(attributes, "failure", None))

    def _workflow_task(self, event: HistoryEvent, at: float) -> None:
        kind, records = event.event_type, self.records
        if kind == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
            self._task.scheduled(event, at)
        elif kind == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
            records.task_waits += self._task.started(event, at)
        elif kind == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            for failure in records.failures:
                failure.recovered = True
        else:
            self._task_failed(event, at)

    def _task_failed(self, event: HistoryEvent, at: float) -> None:
        failed, late = (
            event.workflow_task_failed_event_attributes,
            event.workflow_task_timed_out_event_attributes,
        )
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
            # A task that waited for a worker that is gone is only offered to another one.
            if late.timeout_type == TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START:
                return
            self.records.failures.append(TaskFailure(at, "its worker did not answer", ""))
            self.records.task_waits.append(self._task.lost(at))
            return
        text = text_of(failed.failure)
        if text and "UnhandledCommand" not in text:  # something arrived in between, which is no failure
            self.records.failures.append(TaskFailure(at, text, failed.identity))

    def _status(self, at: float, fields: Any) -> None:
        if names.ATTRIBUTE_STATUS not in fields:
            return
        status = value_of(fields[names.ATTRIBUTE_STATUS], self._converter)
        kind = (
            value_of(fields[names.ATTRIBUTE_WAITING], self._converter)
            if names.ATTRIBUTE_WAITING in fields
            else None
        )
        self.records.statuses.append((at, str(status or ""), str(kind or "")))

    def _marker(self, summary: str, at: float) -> None:
        """Read when a turn was settled: ``settle turn 2 done``."""
        words = summary.split()
        if words[:2] == ["settle", "turn"] and len(words) == 4 and words[2].isdecimal():
            self.records.settled[int(words[2])] = at, words[3]

    def _timer_ended(self, started: int, at: float) -> None:
        if timer := self._timers.get(started):
            timer.ended = at

    def _summary(self, event: HistoryEvent) -> str:
        if not event.user_metadata.HasField("summary"):
            return ""
        value = value_of(event.user_metadata.summary, self._converter)
        return value if isinstance(value, str) else ""

    def _first(self, given: Payloads) -> dict[str, Any]:
        """The first value, if it is an object."""
        value = value_of(given.payloads[0], self._converter) if given.payloads else None
        return object_of(value)


def _reason(event: HistoryEvent) -> str:
    """Return why the last run failed or was ended from outside; empty for others."""
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
        found = event.workflow_execution_terminated_event_attributes
        return f"{found.reason or 'no reason given'}, by {found.identity or 'unknown'}"
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
        return "its workflow timed out"
    return text_of(event.workflow_execution_failed_event_attributes.failure)


def seconds(at: Timestamp) -> float:
    """Return a time as seconds since 1970; 0 if it is not set."""
    return at.seconds + at.nanos / 1e9


def text_of(failure: Message | None) -> str:
    """Return a failure's text: that of its innermost cause, which says what went wrong."""
    if not isinstance(failure, Failure):
        return ""
    while failure.HasField("cause"):
        failure = failure.cause
    kind = failure.application_failure_info.type
    if kind and failure.message and not failure.message.startswith(kind):
        return f"{kind}: {failure.message}"
    return failure.message or kind
