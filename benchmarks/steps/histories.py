"""What a run left on the server: events, bytes, and the actions that Temporal Cloud bills.

Actions follow Temporal's public price list: one for each workflow start (each run of a chain), activity
attempt, timer, signal, update, search attribute upsert and marker. Queries and heartbeats are billed too, but
are not in a history and not counted here. A run that is not streamed sends no query, and heartbeats only while
an activity takes longer than a second.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

_BILLED: Final = frozenset({
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
    EventType.EVENT_TYPE_TIMER_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
    EventType.EVENT_TYPE_MARKER_RECORDED,
})  # fmt: skip


@dataclass(frozen=True)
class Footprint:
    """The histories of a chain of runs. ``activities`` counts by type; ``bytes`` is the server's figure."""

    runs: int
    events: int
    bytes: int
    actions: int
    activities: Counter[str]


async def footprint(client: Client, workflow: str) -> Footprint:
    """The footprint of all runs of a workflow id, read from the last run to the first."""
    runs = events = size = actions = 0
    activities: Counter[str] = Counter()
    run = (await client.get_workflow_handle(workflow).describe()).run_id
    while run:
        handle = client.get_workflow_handle(workflow, run_id=run)
        info = (await handle.describe()).raw_description.workflow_execution_info
        runs, events, size = runs + 1, events + info.history_length, size + info.history_size_bytes
        before = ""
        async for event in handle.fetch_history_events():
            actions += _actions(event)
            if event.HasField("workflow_execution_started_event_attributes"):
                before = event.workflow_execution_started_event_attributes.continued_execution_run_id
            elif event.HasField("activity_task_scheduled_event_attributes"):
                activities[event.activity_task_scheduled_event_attributes.activity_type.name] += 1
        run = before
    return Footprint(runs, events, size, actions, activities)


def _actions(event: HistoryEvent) -> int:
    if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
        # Written once an activity has ended, with the number of its last attempt.
        return event.activity_task_started_event_attributes.attempt
    return 1 if event.event_type in _BILLED else 0
