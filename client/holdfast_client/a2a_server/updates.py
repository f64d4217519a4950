"""What happens in a task, as A2A's updates. Tools and their arguments are the agent's own and are left out."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from a2a.types import Artifact, Part, TaskArtifactUpdateEvent, TaskState, TaskStatusUpdateEvent

from holdfast_client.reply import Reply
from holdfast_client.stream.events import (
    Decided,
    NeedsPerson,
    StreamEvent,
    TextDelta,
    TextRestart,
    TurnEnded,
    TurnStarted,
)

from . import tasks
from .callers import Place
from .tasks import ARTIFACT, Tasks

Update = TaskStatusUpdateEvent | TaskArtifactUpdateEvent

_WORKING: Final = TaskState.TASK_STATE_WORKING


class Updates:
    """Follows a task until it ends, or waits for its client."""

    def __init__(self, of: Tasks, place: Place, answered: str = "") -> None:
        """``answered`` is the id of an item that the client has just answered."""
        self._tasks = of
        self._place = place
        self._answered = answered
        self._text = _Text(place)

    async def follow(self) -> AsyncGenerator[Update]:
        """Yield the updates of the task."""
        stream = self._tasks.session(self._place.context).stream(turn=self._place.turn)
        async with aclosing(stream) as events:
            async for event in events:
                for update in self._text.updates(event):
                    yield update
                status = await self._status(event)
                if status is not None:
                    yield status
                    if status.status.state != _WORKING:
                        return

    async def _status(self, event: StreamEvent) -> TaskStatusUpdateEvent | None:
        status = None
        match event:
            case TurnStarted() | Decided():
                status = tasks.working_status(self._place, _WORKING)
            case NeedsPerson() if event.item_id != self._answered:
                status = self._tasks.status(await self._tasks.find(self._place))
            case TurnEnded():
                known = await self._tasks.find(self._place)
                status = tasks.ended_status(self._place, event.reply, known.turn.ended)
            case _:
                pass
        if status is None:
            return None
        return TaskStatusUpdateEvent(task_id=self._place.task, context_id=self._place.context, status=status)


class _Text:
    """The text of the present step as an artifact, which ends as the reply.

    A piece is held back until the next event, so that the last one can be marked.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._step = 0
        self._told = ""
        self._held = ""

    def updates(self, event: StreamEvent) -> list[TaskArtifactUpdateEvent]:
        match event:
            case TextDelta():
                if event.step != self._step:
                    self._step, self._told, self._held = event.step, "", ""
                told = self._flush()
                self._held = event.text
                return told
            case TextRestart():
                self._step = 0
                return []
            case TurnEnded():
                return self._end(event.reply)
            case _:
                return []

    def _flush(self, *, last: bool = False) -> list[TaskArtifactUpdateEvent]:
        if not self._held:
            return []
        update = self._update([Part(text=self._held)], append=bool(self._told), last=last)
        self._told, self._held = self._told + self._held, ""
        return [update]

    def _end(self, reply: Reply) -> list[TaskArtifactUpdateEvent]:
        if reply.status != "done" or reply.error is not None:
            return []
        content = tasks.parts(reply)
        if len(content) == 1 and self._held and self._told + self._held == reply.text:
            return self._flush(last=True)
        return [self._update(content, append=False, last=True)]

    def _update(self, content: list[Part], *, append: bool, last: bool) -> TaskArtifactUpdateEvent:
        return TaskArtifactUpdateEvent(
            task_id=self._place.task,
            context_id=self._place.context,
            artifact=Artifact(artifact_id=ARTIFACT, name=ARTIFACT, parts=content),
            append=append,
            last_chunk=last,
        )
