"""When a session continues as a new run."""

from temporalio import workflow

from .state import SessionState


def due(state: SessionState) -> bool:
    """Whether the history is long enough to continue as new; never while the workflow is cancelled."""
    info = workflow.info()
    return not state.stopping and (
        info.get_current_history_length() >= state.start.continue_as_new_after
        or info.is_continue_as_new_suggested()
    )
