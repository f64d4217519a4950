"""``set_aside``: exclude log entries written after the point that a workflow was reset to."""

from temporalio import activity

from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import SessionClosed
from holdfast_workflows.contracts.limits import SEQ_GAP
from holdfast_workflows.contracts.operations.resets import AsideInput, AsideResult

from ..common.failures import reports_failures


class SetAside:
    """The activity that continues a session after a reset."""

    def __init__(self, state: State) -> None:
        self._state = state

    @activity.defn(name=names.SET_ASIDE)
    @reports_failures
    async def set_aside(self, request: AsideInput) -> AsideResult:
        """Set it aside; the numbers that follow are out of reach of calls of the old run that still end."""
        await _still_current()
        if request.stop:
            await self._state.resets.sweep(request.session, request.seq, request.stop)
            return AsideResult()
        return await set_aside(self._state, request)


async def set_aside(state: State, request: AsideInput) -> AsideResult:
    """The same for who is sure that the run is the session's current one."""
    result = await state.resets.set_aside(request)
    return result.model_copy(update={"seq": result.seq + SEQ_GAP})


async def _still_current() -> None:
    """Refuse for a run that was reset itself meanwhile: what its successor has written is no longer beyond its point.

    Raises:
        SessionClosed: It is another run's turn.
    """
    info = activity.info()
    assert info.workflow_id is not None
    now = await activity.client().get_workflow_handle(info.workflow_id).describe()
    if now.run_id != info.workflow_run_id:
        raise SessionClosed("this run was reset, and another goes on with the session")
