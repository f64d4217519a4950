"""Sessions that a schedule starts: their time, and their message."""

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from holdfast_workflows.contracts.operations.schedules import render, schedule_digest
from holdfast_workflows.contracts.session.session import StartInput
from holdfast_workflows.contracts.session.steps import LoadInput, LoadResult

from ..state import SessionState

_TIME = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")


def load_input(given: LoadInput, start: StartInput) -> LoadInput:
    """Add what a worker needs to check a scheduled start, and to render its message."""
    if start.scheduled is None:
        return given
    at = workflow.info().typed_search_attributes.get(_TIME) or workflow.info().workflow_start_time
    changes = {
        "scheduled": start.scheduled,
        "scheduled_at": at.timestamp(),
        "start_digest": schedule_digest(start),
    }
    return given.model_copy(update=changes)


def accept(state: SessionState, loaded: LoadResult) -> None:
    """Accept the message of a scheduled session with its time."""
    message = state.start.message
    if state.start.scheduled is not None and message is not None:
        state.accept(message.model_copy(update={"by": "", "text": render(message.text, loaded.values)}))
