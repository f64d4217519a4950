"""Child sessions whose end is not reported to their parent: those of a run that was reset."""

from temporalio import activity
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from holdfast_activities.session.common.failures import reports_failures
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.operations.sessions import quoted
from holdfast_workflows.contracts.session.session import TaskResult
from holdfast_workflows.contracts.teams.children import ChildOutcome
from holdfast_workflows.contracts.teams.outcomes import CancelOrphans, FindChild, FoundChild, outcome_of


async def child_outcome(parent: str, child: str, agent: str = "") -> ChildOutcome | None:
    """Return how a child ended; None while it runs. For activities."""
    handle: WorkflowHandle[object, TaskResult] = activity.client().get_workflow_handle(
        child, result_type=TaskResult
    )
    found = await handle.describe()
    if found.parent_id != parent:
        error = f"{child} is a session of its own"
        return ChildOutcome(id=child, agent=agent, status="failed", error=error)
    if found.status == WorkflowExecutionStatus.RUNNING:
        return None
    try:
        ended: TaskResult | BaseException = await handle.result()
    except WorkflowFailureError as error:
        ended = error
    return outcome_of(child, agent, ended)


class Orphans:
    """Finds how such children ended, and cancels those that no call waits for."""

    @activity.defn(name=names.FIND_CHILD)
    @reports_failures
    async def find_child(self, ask: FindChild) -> FoundChild:
        """Return how a child ended."""
        return FoundChild(outcome=await child_outcome(ask.session, ask.child, ask.agent))

    @activity.defn(name=names.CANCEL_ORPHANS)
    @reports_failures
    async def cancel_orphans(self, ask: CancelOrphans) -> int:
        """Cancel the running children of earlier runs of a session; return their number."""
        client, info, count = activity.client(), activity.info(), 0
        query = f"ParentWorkflowId = {quoted(ask.session)} AND ExecutionStatus = 'Running'"
        async for each in client.list_workflows(query):
            if each.raw_info.parent_execution.run_id == info.workflow_run_id:
                continue
            try:
                await client.get_workflow_handle(each.id, run_id=each.run_id).cancel()
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:  # it has just ended
                    raise
            count += 1
        return count
