"""Tasks as A2A describes them, from sessions and turns."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Final

from a2a.types import Artifact, Message, Part, Role, Task, TaskState, TaskStatus
from a2a.utils.errors import TaskNotFoundError
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp

from holdfast_client.reply import Reply
from holdfast_client.session import Session
from holdfast_workflows.contracts.control.inbox import InboxItem
from holdfast_workflows.contracts.errors import HoldfastError, NothingToDo, SessionNotFound
from holdfast_workflows.contracts.problems import problem_of
from holdfast_workflows.contracts.session.session import SessionView, TurnView
from holdfast_workflows.contracts.text.unicode import clean

from .callers import Caller, Place

ENDED: Final = frozenset({"done", "failed", "cancelled"})
ARTIFACT: Final = "reply"
"""The id of the artifact that is a task's reply."""
SESSION: Final = "holdfast/session"
"""In a task's metadata: the id of its session."""

_STATES: Final[dict[str, TaskState]] = {
    "queued": TaskState.TASK_STATE_SUBMITTED,
    "running": TaskState.TASK_STATE_WORKING,
    "done": TaskState.TASK_STATE_COMPLETED,
    "failed": TaskState.TASK_STATE_FAILED,
    "cancelled": TaskState.TASK_STATE_CANCELED,
}


@dataclass(frozen=True, slots=True)
class Known:
    """A task, with the item that its client has to answer, if there is one."""

    place: Place
    turn: TurnView
    view: SessionView
    asked: InboxItem | None

    @property
    def ended(self) -> bool:
        """Whether the task has reached its last state."""
        return self.turn.status in ENDED


class Tasks:
    """The tasks of a caller."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def session(self, context: str) -> Session:
        """The session of a context."""
        return self.caller.client.session(self.caller.session_id(context))

    async def find(self, place: Place) -> Known:
        """Find a task.

        Raises:
            TaskNotFoundError: The caller has no such task.
        """
        session = self.session(place.context)
        try:
            turn, view = await session.turn(place.turn), await session.view()
        except (SessionNotFound, NothingToDo) as error:
            raise TaskNotFoundError(f"no task has the id {place.task!r}") from error
        waiting = [each for each in view.inbox if each.turn == place.turn and self.caller.may_answer(each)]
        running = turn.status == "running"
        return Known(place, turn, view, waiting[0] if waiting and running else None)

    async def describe(self, known: Known) -> Task:
        """The task with its status, its reply and its messages."""
        place, turn = known.place, known.turn
        reply: Reply | None = None
        if known.ended:
            reply = await self.session(place.context).wait(place.turn, raise_on_error=False)
        task = Task(
            id=place.task,
            context_id=place.context,
            status=self.status(known, reply),
            history=[_message(place, "request", Role.ROLE_USER, [Part(text=clean(turn.request))])],
        )
        task.metadata[SESSION] = self.caller.session_id(place.context)
        if reply is not None and reply.status == "done":
            task.artifacts.append(artifact(reply))
            task.history.append(_message(place, "reply", Role.ROLE_AGENT, parts(reply)))
        return task

    async def task(self, place: Place) -> Task:
        """Find and describe a task."""
        return await self.describe(await self.find(place))

    def status(self, known: Known, reply: Reply | None = None) -> TaskStatus:
        """The task's status; of a task that waits for its client, with the question."""
        if known.asked is not None:
            return asked_status(known.place, known.asked)
        turn = known.turn
        since = turn.ended or turn.started
        if reply is not None:
            return ended_status(known.place, reply, since)
        waits = turn.status == "running" and any(each.turn == turn.turn for each in known.view.inbox)
        return working_status(known.place, _STATES[turn.status], since, "waits for a person" if waits else "")

    async def of_context(self, context: str) -> AsyncGenerator[Known]:
        """The tasks of a context, the first one first; none if the caller has no such context."""
        session = self.session(context)
        try:
            view = await session.view()
            for number in range(view.turn + view.queued, 0, -1):
                yield await self.find(Place(context, number))
        except SessionNotFound:
            return


def working_status(place: Place, state: TaskState, since: float = 0.0, text: str = "") -> TaskStatus:
    """The status of a task without a result."""
    status = TaskStatus(state=state, timestamp=_time(since))
    if text:
        status.message.CopyFrom(_message(place, "status", Role.ROLE_AGENT, [Part(text=text)]))
    return status


def asked_status(place: Place, item: InboxItem) -> TaskStatus:
    """The status of a task that waits for its client: the question as text, and how to answer it as data."""
    consent = item.kind == "consent"
    state = TaskState.TASK_STATE_AUTH_REQUIRED if consent else TaskState.TASK_STATE_INPUT_REQUIRED
    about = {
        "item": item.id,
        "kind": item.kind,
        "actions": list(item.actions),
        "deadline": item.deadline,
        "form": item.form,
        "arguments": item.arguments,
    }
    told = [
        Part(text=clean(item.what)),
        Part(data=_value({name: about[name] for name in about if about[name]})),
    ]
    status = TaskStatus(state=state, timestamp=_time(item.since))
    status.message.CopyFrom(_message(place, item.id, Role.ROLE_AGENT, told))
    return status


def ended_status(place: Place, reply: Reply, ended: float) -> TaskStatus:
    """The status of a task that has ended; of one that failed, with the error's code and message."""
    status = TaskStatus(state=_STATES[reply.status], timestamp=_time(ended))
    error = reply.error
    if error is not None:
        # The detail may name what only the deployment should see; operators find it by the id.
        status.message.CopyFrom(_message(place, "error", Role.ROLE_AGENT, _error(error)))
        if reply.status == "done":
            status.state = TaskState.TASK_STATE_FAILED
    return status


def _error(error: HoldfastError) -> list[Part]:
    text = " ".join((type(error).__doc__ or "").split())
    shown = problem_of(error).model_dump(mode="json", include={"code", "id", "retryable", "retry_after"})
    return [Part(text=text), Part(data=_value({"error": {**shown, "message": text}}))]


def artifact(reply: Reply) -> Artifact:
    """The reply of a task that is done."""
    return Artifact(artifact_id=ARTIFACT, name=ARTIFACT, parts=parts(reply))


def parts(reply: Reply) -> list[Part]:
    """The reply as text, and as data if the agent has an output type."""
    given = [Part(text=clean(reply.text))]
    if not isinstance(reply.output, str) and reply.output is not None:
        given.append(
            Part(data=_value(reply.model_dump(mode="json")["output"]), media_type="application/json")
        )
    return given


def _message(place: Place, id: str, role: Role, content: list[Part]) -> Message:
    return Message(
        message_id=f"{place.task}-{id}",
        context_id=place.context,
        task_id=place.task,
        role=role,
        parts=content,
    )


def _value(data: Any) -> Value:
    return ParseDict(data, Value())


def _time(seconds: float) -> Timestamp | None:
    if not seconds:
        return None
    made = Timestamp()
    made.FromMilliseconds(round(seconds * 1000))
    return made
