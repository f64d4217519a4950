"""When a session goes on in a new run."""

from temporalio import workflow

from .state import SessionState


def due(state: SessionState) -> bool:
    """Whether the history has grown enough for the session to go on in a new run.

    Never while the workflow itself is being cancelled: then it ends in this one.
    """
    info = workflow.info()
    return not state.stopping and (
        info.get_current_history_length() >= state.start.continue_as_new_after
        or info.is_continue_as_new_suggested()
    )
