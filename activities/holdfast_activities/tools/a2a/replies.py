"""What a remote agent says: replies as text, and questions."""

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from a2a.types import Message, Part, Task, TaskState
from google.protobuf.json_format import MessageToDict

from holdfast_workflows.contracts.session.steps import ToolQuestion
from holdfast_workflows.contracts.text.unicode import clean, dump_json, preview

ENDED: Final = frozenset({
    TaskState.TASK_STATE_COMPLETED, TaskState.TASK_STATE_FAILED, TaskState.TASK_STATE_CANCELED,
    TaskState.TASK_STATE_REJECTED,
})  # fmt: skip
ASKS: Final = frozenset({TaskState.TASK_STATE_INPUT_REQUIRED, TaskState.TASK_STATE_AUTH_REQUIRED})
_SHOWN: Final = 500
"""Characters of a question."""


def text_of(parts: Iterable[Part]) -> str:
    """The parts as text; data as JSON, files by their names."""
    return clean("\n\n".join(filter(None, map(_text, parts))))


def _text(part: Part) -> str:
    match part.WhichOneof("content"):
        case "text":
            return part.text
        case "data":
            return dump_json(MessageToDict(part.data))
        case "url":
            return f"[file {part.filename or part.media_type}: {part.url}]"
        case "raw":
            return f"[file {part.filename or part.media_type}: {len(part.raw):,} bytes]"
        case _:
            return ""


def reply_of(task: Task) -> str:
    """The result of a task: its artifacts, else what its status says."""
    artifacts = [text_of(artifact.parts) for artifact in task.artifacts]
    return "\n\n".join(filter(None, artifacts)) or said(task)


def said(task: Task) -> str:
    """What the status of a task says."""
    return text_of(task.status.message.parts)


def state_of(task: Task) -> str:
    """The state in words."""
    return TaskState.Name(task.status.state).removeprefix("TASK_STATE_").lower().replace("_", "-")


def question_of(agent: str, task: Task) -> ToolQuestion:
    """What a person has to answer before the task goes on."""
    consent = task.status.state == TaskState.TASK_STATE_AUTH_REQUIRED
    text = text_of(part for part in task.status.message.parts if part.WhichOneof("content") != "data")
    asks = f"the agent of {agent!r} {'needs access' if consent else 'asks'}: {preview(text, _SHOWN)}"
    return ToolQuestion(
        kind="consent" if consent else "elicitation", what=asks, digest=_digest(task.id, task.status.message)
    )


def _digest(task: str, message: Message) -> str:
    asked: Any = MessageToDict(message)
    return hashlib.sha256(dump_json([task, asked]).encode()).hexdigest()[:24]
