"""Write audit records that do not wait for the next activity: of operators' actions in a session that may be idle."""

from temporalio import workflow

from ..state import activity_calls
from ..state.state import SessionState


async def follow(state: SessionState) -> None:
    """Write records when they are due, until this run ends."""
    while True:
        await workflow.wait_condition(lambda: state.trail.due)
        await write(state)


async def write(state: SessionState) -> None:
    """Write the waiting records; retried until the state database answers."""
    with state.trail.handing_over() as handed:
        await activity_calls.append_audit(handed.records, state.start.heartbeat_timeout)
        handed.written = True
