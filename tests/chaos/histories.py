"""Recovery times after kills, read from the histories of the runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory

from holdfast_workflows.contracts import names

from .processes import Kill

_AT_ONCE = 16
_DONE = EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
_DECIDED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


async def histories(client: Client, ids: Sequence[str]) -> list[WorkflowHistory]:
    """The history of every run."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(id: str) -> WorkflowHistory:
        async with room:
            return await client.get_workflow_handle(id).fetch_history()

    return list(await asyncio.gather(*map(one, ids)))


@dataclass(frozen=True)
class Timeline:
    """The times in a history that recovery is measured by.

    Attributes:
        begun: When the run was started, in seconds since 1970.
        owners: Processes that ran an activity or cached the workflow: process id, from, until.
        progress: When an activity completed and the next workflow task processed it.
        lost: How many model calls were lost with their worker.
    """

    begun: float
    owners: Sequence[tuple[int, float, float]]
    progress: Sequence[float]
    lost: int


def timeline(history: WorkflowHistory) -> Timeline:
    """Read a history."""
    events = list(history.events)
    return Timeline(
        begun=_at(events[0]),
        owners=[*_activities(events), *_caches(events)],
        progress=list(_progress(events)),
        lost=sum(1 for each in _lost(events) if each == names.THINK),
    )


def recoveries(kills: Sequence[Kill], runs: Sequence[Timeline], *, every_run: bool = False) -> list[float]:
    """Return the seconds from each kill to the next progress of each run it hit.

    A kill hits a run if the killed process ran one of its activities or had it cached.
    With ``every_run`` it hits all runs in progress.
    """
    found: list[float] = []
    for kill in kills:
        for run in runs:
            later = [at for at in run.progress if at > kill.at]
            hit = any(pid == kill.pid and since < kill.at < until for pid, since, until in run.owners)
            if later and run.begun < kill.at and (hit or every_run):
                found.append(later[0] - kill.at)
    return found


def _at(event: HistoryEvent) -> float:
    return event.event_time.ToNanoseconds() / 1e9


def _pid(identity: str) -> int:
    """Return the process id in a worker's identity ``pid@host``."""
    number = identity.partition("@")[0]
    return int(number) if number.isdigit() else 0


def _activities(events: Sequence[HistoryEvent]) -> Iterator[tuple[int, float, float]]:
    """Yield the process of each activity, its start, and when the server knew its end."""
    begun = {e.event_id: e for e in events if e.HasField("activity_task_started_event_attributes")}
    for event in events:
        for kind in ("completed", "failed", "timed_out", "canceled"):
            name = f"activity_task_{kind}_event_attributes"
            if event.HasField(name):  # type: ignore[arg-type] # the field's name is put together
                start = begun[getattr(event, name).started_event_id]
                pid = _pid(start.activity_task_started_event_attributes.identity)
                yield pid, _at(start), _at(event)


def _caches(events: Sequence[HistoryEvent]) -> Iterator[tuple[int, float, float]]:
    """Yield the process that had the run cached between two workflow tasks."""
    tasks = [e for e in events if e.event_type == _DECIDED]
    for this, following in pairwise(tasks):
        yield _pid(this.workflow_task_completed_event_attributes.identity), _at(this), _at(following)


def _progress(events: Sequence[HistoryEvent]) -> Iterator[float]:
    done = False
    for event in events:
        done = done or event.event_type == _DONE
        if done and event.event_type == _DECIDED:
            done = False
            yield _at(event)


def _lost(events: Sequence[HistoryEvent]) -> Iterator[str]:
    """The types of the activities whose worker was lost."""
    scheduled = {e.event_id: e.activity_task_scheduled_event_attributes for e in events}
    for event in events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
            number = event.activity_task_timed_out_event_attributes.scheduled_event_id
            yield scheduled[number].activity_type.name
