"""The workflow of one monitor run: observe, analyse, apply what is safe, and return the report.

A schedule starts it. Each run begins with the report of the one before.
"""

from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import RetryPolicy

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.operations.monitor import (
    AdjustMaintenance,
    MonitorChange,
    MonitorInput,
    MonitorReport,
    Observation,
    ObserveInput,
    Recommendation,
)

from ...inputs import UnknownNames, start_input
from . import details
from .analysis import analyse, applicable

_OBSERVE = timedelta(seconds=30)
_ADJUST = timedelta(seconds=10)
_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=3)


@workflow.defn(name=names.MONITOR_WORKFLOW, sandboxed=False, failure_exception_types=[ValidationError])
class MonitorWorkflow(UnknownNames):
    """Observes the deployment of an app, and recommends what to do."""

    @workflow.run
    async def run(self, *given: Any) -> MonitorReport:
        """Take one ``MonitorInput``; without one, change nothing."""
        request = start_input(MonitorInput, given)
        before = MonitorReport()
        if workflow.has_last_completion_result():
            before = workflow.get_last_completion_result(MonitorReport) or before
        seen: Observation = await workflow.execute_activity(
            names.OBSERVE,
            ObserveInput(),
            result_type=Observation,
            start_to_close_timeout=_OBSERVE,
            retry_policy=_RETRY,
            summary="observe",
        )
        report = analyse(seen, before, apply=request.apply)
        chosen = applicable(report, seen.maintenance_every)
        if chosen is not None:
            change = await self._apply(chosen, seen.maintenance_every)
            report = report.model_copy(update={"changes": (*report.changes, change)})
        workflow.set_current_details(details.render(report))
        return report

    async def _apply(self, chosen: Recommendation, every: float) -> MonitorChange:
        id, at = workflow.info().workflow_id, workflow.time()
        adjust = AdjustMaintenance(
            id=id, action="applied", every=chosen.every, before=every, why=chosen.why, at=at
        )
        await workflow.execute_activity(
            names.ADJUST_MAINTENANCE,
            adjust,
            result_type=bool,
            start_to_close_timeout=_ADJUST,
            retry_policy=_RETRY,
            summary=f"maintenance every {chosen.every:g} s",
        )
        return MonitorChange(id=id, at=at, why=chosen.why, before=every, after=chosen.every)
