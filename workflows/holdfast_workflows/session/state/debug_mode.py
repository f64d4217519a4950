"""Debug mode of a session: for a limited time its activities record and log more."""

from temporalio import workflow

from holdfast_workflows.contracts.operations.debugging import DebugMode, SetDebug

from ..principal import actor
from .state import SessionState


def apply(state: SessionState, given: SetDebug) -> None:
    """Turn debug mode on or off, and record who did it."""
    by, now = actor() or given.by, workflow.time()
    details = {"by": by} if by else {}
    since = state.debug.since if state.debug and until(state) else now
    # Turned off, it stays in the state: the session has records.
    state.debug = DebugMode(since=since, until=now + given.seconds, by=by)
    if given.seconds:
        details["until"] = f"{state.debug.until:.0f}"
    state.audit("operator", "debug_on" if given.seconds else "debug_off", details=details, now=True)


def until(state: SessionState) -> float:
    """Until when debug mode is on; 0 while it is off."""
    return state.debug.until if state.debug and state.debug.until > workflow.time() else 0.0
