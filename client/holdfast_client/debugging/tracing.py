"""Making traces: what is read of a session, and what is left out where it cannot be read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.converter import DataConverter
from temporalio.exceptions import TemporalError

from holdfast_client.operations.stored import content
from holdfast_client.requests.bounded import bounded
from holdfast_client.requests.errors import translate
from holdfast_client.requests.requests import Requests
from holdfast_temporal.histories.fetching import Run, runs
from holdfast_workflows.contracts.errors import HoldfastError, NothingToDo
from holdfast_workflows.contracts.session.session import TurnView

from .building import spans_of, turns_of
from .findings import Now, findings
from .records import RecordReader, Records, seconds, text_of
from .spans import Trace

TURNS: Final = 10
"""Turns that a trace has by default, the last ones."""

_LATE: Final = 10.0
"""Seconds to read the turns, which workers answer. The trace does without them."""


async def trace(requests: Requests, session: str, turn: int | None, turns: int | None) -> Trace:
    """Return a trace of one turn, or of the last ones."""
    await requests.expect_visible(session)
    found = (await requests.describe(session)).raw_description
    read: list[Run] = []
    try:
        async for run in runs(requests.temporal, session, found.workflow_execution_info.execution.run_id):
            read.insert(0, run)
            if _enough(run, turn, turns, requests.temporal.data_converter):
                break
    except TemporalError as error:
        raise translate(error, session) from error
    records = records_of(read, found, requests.temporal.data_converter)
    notes = (
        [] if all(run.complete for run in read) else ["some of it is encrypted with keys that are not here"]
    )
    views: tuple[TurnView, ...] = ()
    first = min((each.turn for each in records.activities if each.turn), default=1)
    try:
        views = await bounded(content.stored_turns(requests, session, first), _LATE)
    except (HoldfastError, TimeoutError) as error:
        notes.append(f"no worker answered, so costs and errors of turns are missing: {error}")
    polled = {queue: await _polled(requests, queue) for queue in _waited_for(records, found)}
    made = build(session, records, Now.of(found, time.time(), polled), views)
    return chosen(replace(made, notes=tuple(notes)), turn, turns)


def build(session: str, records: Records, now: Now, views: Sequence[TurnView]) -> Trace:
    """Build a trace from what was read."""
    end = records.ended or now.at
    spans = spans_of(records, end)
    if records.ended:  # what was open has ended with the session, such as a wait for a person
        spans = [replace(span, status="cancelled") if span.status == "open" else span for span in spans]
    made = turns_of(session, records, views, spans, end)
    inside = {id(span) for each in made for span in each.spans}
    status = records.statuses[-1][1] if records.statuses else "starting"
    return Trace(
        session=session,
        agent=str(records.started_with.get("agent", "")),
        status=records.status or status,
        at=now.at,
        began=records.began,
        turns=tuple(made),
        background=tuple(span for span in spans if id(span) not in inside),
        findings=findings(session, records, made, spans, now),
        runs=records.runs,
        events=records.events,
    )


def records_of(
    read: Sequence[Run], found: DescribeWorkflowExecutionResponse, converter: DataConverter
) -> Records:
    """Return the records of runs, with what the server says about activities that have not ended."""
    reader = RecordReader(converter)
    for run in read:
        reader.read(run.events)
    _pending(reader.records, found)
    return reader.records


def chosen(made: Trace, turn: int | None, turns: int | None) -> Trace:
    """Return the trace with one turn only, or with the last ones.

    Raises:
        NothingToDo: It has no such turn.
    """
    if turn is not None:
        found = tuple(each for each in made.turns if each.turn == turn)
        if not found:
            raise NothingToDo(f"the history of session {made.session} has no turn {turn}")
        return replace(made, turns=found)
    return made if turns is None else replace(made, turns=made.turns[-turns:])


def _enough(run: Run, turn: int | None, turns: int | None, converter: DataConverter) -> bool:
    """Whether no older run has a wanted turn."""
    reader = RecordReader(converter)
    reader.read(run.events)
    started = [each.turn for each in reader.records.activities if each.turn]
    if not started:
        return False
    if turn is not None:
        return min(started) < turn
    return turns is not None and max(started) - min(started) > turns


def _waited_for(records: Records, found: DescribeWorkflowExecutionResponse) -> set[str]:
    """The queues of which a worker has something to do that none has taken."""
    waiting = {each.queue for each in records.activities if each.outcome == "open" and not each.started}
    if found.pending_workflow_task.scheduled_time.seconds:
        waiting.add(found.execution_config.task_queue.name)
    return waiting - {""}


async def _polled(requests: Requests, queue: str) -> bool:
    try:
        return await requests.polled(queue)
    except HoldfastError:
        return True  # not known


def _pending(records: Records, found: DescribeWorkflowExecutionResponse) -> None:
    """Complete activities that have not ended: the history has their start only at their end."""
    unfinished = {each.id: each for each in records.activities if each.outcome == "open" and not each.child}
    for each in found.pending_activities:
        activity = unfinished.get(each.activity_id)
        if activity is None:
            continue
        activity.attempt = each.attempt
        activity.last_error = text_of(each.last_failure)
        activity.worker = each.last_worker_identity
        if each.state != PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED:
            activity.started = seconds(each.last_started_time)
