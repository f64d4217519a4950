"""``set_aside``: exclude log entries written after the point that a workflow was reset to."""

from temporalio import activity

from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import SessionClosed
from holdfast_workflows.contracts.limits import SEQ_GAP
from holdfast_workflows.contracts.operations.resets import AsideInput, AsideResult
from holdfast_workflows.contracts.operations.retention import NEEDED, removed_in_words

from ..common.audited import operated
from ..common.failures import reports_failures


class SetAside:
    """The activity that continues a session after a reset."""

    def __init__(self, state: State) -> None:
        self._state = state

    @activity.defn(name=names.SET_ASIDE)
    @reports_failures
    async def set_aside(self, request: AsideInput) -> AsideResult:
        """Exclude the entries, and return the number to continue from.

        Raises:
            SessionClosed: This run was reset too. The entries of its successor must stay.
        """
        info = activity.info()
        assert info.workflow_id is not None
        now = await activity.client().get_workflow_handle(info.workflow_id).describe()
        if now.run_id != info.workflow_run_id:
            raise SessionClosed("this run was reset, and another run continues the session")
        if request.stop:
            await self._state.resets.sweep(request.session, request.seq, request.stop)
            return AsideResult()
        return await set_aside(self._state, request)


async def set_aside(state: State, request: AsideInput) -> AsideResult:
    """Exclude the entries without a check of the run. Late calls of the old run cannot reach the returned number."""
    result = await state.resets.set_aside(request)
    row = await state.load_session(request.session)
    removed = tuple(each for each in await state.retention.removed(request.session) if each.kind in NEEDED)
    details = {"entry": str(request.seq), "turn": str(request.turn)}
    await state.append_audit(
        # Without a principal: a reset is made in Temporal.
        operated("reset", tenant=row.tenant if row else "", session=request.session, details=details, by="")
    )
    return result.model_copy(update={"seq": result.seq + SEQ_GAP, "removed": removed_in_words(removed)})
