"""When workflow tasks waited for a worker, or were lost with one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from temporalio.api.history.v1 import HistoryEvent

NOTICED: Final = 0.1
"""Seconds that a workflow task may wait for a worker before that counts as a wait."""


@dataclass
class TaskWait:
    """A workflow task that waited for a worker, or whose worker did not answer."""

    queue: str
    start: float
    end: float = 0.0
    lost: str = ""
    """The worker that did not answer."""


class WorkflowTask:
    """The workflow task of a run, which has one at a time."""

    def __init__(self) -> None:
        self.waiting: TaskWait | None = None
        self._queue = ""
        self._worker = ""
        self._started = 0.0

    def scheduled(self, event: HistoryEvent, at: float) -> None:
        """Begin to wait."""
        queue = event.workflow_task_scheduled_event_attributes.task_queue
        self._queue = queue.normal_name or queue.name
        # One that waited for a worker that is gone is scheduled once more, for any worker.
        self.waiting = self.waiting or TaskWait(self._queue, at)

    def started(self, event: HistoryEvent, at: float) -> list[TaskWait]:
        """Return the wait, if it was long enough to be noticed."""
        self._worker, self._started = event.workflow_task_started_event_attributes.identity, at
        waiting, self.waiting = self.waiting, None
        return [replace(waiting, end=at)] if waiting and at - waiting.start >= NOTICED else []

    def lost(self, at: float) -> TaskWait:
        """Return the time that the worker had for it."""
        return TaskWait(self._queue, self._started, at, lost=self._worker or "unknown")
