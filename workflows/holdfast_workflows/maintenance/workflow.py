"""One run of maintenance: its tasks one after the other, so that the timeline shows each."""

from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, CancelledError

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.memory import (
    MaintainInput,
    MaintenanceReport,
    MaintenanceTask,
    TaskReport,
)
from holdfast_workflows.contracts.text import preview

from ..inputs import UnknownNames, start_input
from . import details

_MINUTES: dict[MaintenanceTask, int] = {
    "outbox": 5,
    "expire": 10,
    "consolidate": 30,
    "optimise": 30,
    "prune": 15,
}
"""How long one attempt may take. What it has done until then stays done."""

_SILENCE = timedelta(minutes=1)
"""How long a task may give no sign of life before its worker counts as lost and another goes on with it."""

_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1), maximum_attempts=3
)


@workflow.defn(name=names.MAINTENANCE_WORKFLOW, sandboxed=False, failure_exception_types=[ValidationError])
class MaintenanceWorkflow(UnknownNames):
    """Runs every task; one that fails is in the report and does not stop the rest."""

    def __init__(self) -> None:
        self._reports: list[TaskReport] = []

    @workflow.run
    async def run(self, *given: Any) -> MaintenanceReport:
        """Run the tasks that are asked for in a ``MaintainInput``, all by default."""
        for task in start_input(MaintainInput, given).tasks:
            workflow.set_current_details(details.render(self._reports, task))
            self._reports += await self._done(task)
        workflow.set_current_details(details.render(self._reports))
        return MaintenanceReport(tasks=tuple(self._reports))

    async def _done(self, task: MaintenanceTask) -> tuple[TaskReport, ...]:
        began = workflow.time()
        try:
            report: MaintenanceReport = await workflow.execute_activity(
                names.MAINTAIN,
                MaintainInput(tasks=(task,)),
                result_type=MaintenanceReport,
                start_to_close_timeout=timedelta(minutes=_MINUTES[task]),
                heartbeat_timeout=_SILENCE,
                retry_policy=_RETRY,
                summary=task,
            )
        except ActivityError as error:
            if isinstance(error.cause, CancelledError):
                raise  # the run itself is cancelled
            found = errors.from_failure(error)
            workflow.logger.error("maintenance: %s failed: %s", task, found or error.cause)
            why = preview(str(found or error.cause))
            return (TaskReport(task=task, seconds=round(workflow.time() - began, 3), error=why),)
        return report.tasks
