"""The maintenance workflow: its tasks one after the other, each an activity."""

from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ActivityError, CancelledError

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.agent.memory import (
    TASKS,
    MaintainInput,
    MaintenanceReport,
    MaintenanceTask,
    TaskReport,
)
from holdfast_workflows.contracts.control.assertions import SignedStart
from holdfast_workflows.contracts.text.unicode import preview

from ..inputs import UnknownNames, start_input
from ..session.principal import signed_start
from . import details

_SCHEDULE = SearchAttributeKey.for_keyword("TemporalScheduledById")

_MINUTES: dict[MaintenanceTask, int] = {
    "outbox": 5,
    "expire": 10,
    "consolidate": 30,
    "optimise": 30,
    "prune": 15,
    "audit": 10,
}
"""Minutes that one attempt may take. Finished work of a timed-out attempt is kept."""

_HEARTBEAT_TIMEOUT = timedelta(minutes=1)

_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1), maximum_attempts=3
)


@workflow.defn(name=names.MAINTENANCE_WORKFLOW, sandboxed=False, failure_exception_types=[ValidationError])
class MaintenanceWorkflow(UnknownNames):
    """Runs every task; a failed one is reported and does not stop the others."""

    def __init__(self) -> None:
        self._reports: list[TaskReport] = []
        self._start: SignedStart | None = None

    @workflow.run
    async def run(self, *given: Any) -> MaintenanceReport:
        """Run the tasks of a ``MaintainInput``, by default all."""
        request = start_input(MaintainInput, given)
        self._start = signed_start(request)
        tasks = request.tasks
        # Not among the defaults, which existing schedules rely on.
        if tasks == TASKS and workflow.patched("audit"):
            tasks = (*TASKS, "audit")
        for task in tasks:
            workflow.set_current_details(details.render(self._reports, task))
            self._reports += await self._run_task(task)
        workflow.set_current_details(details.render(self._reports))
        return MaintenanceReport(tasks=tuple(self._reports))

    async def _run_task(self, task: MaintenanceTask) -> tuple[TaskReport, ...]:
        began = workflow.time()
        try:
            report: MaintenanceReport = await workflow.execute_activity(
                names.MAINTAIN,
                MaintainInput(tasks=(task,), identity=self._start, scheduled=_scheduled()),
                result_type=MaintenanceReport,
                start_to_close_timeout=timedelta(minutes=_MINUTES[task]),
                heartbeat_timeout=_HEARTBEAT_TIMEOUT,
                retry_policy=_RETRY,
                summary=task,
            )
        except ActivityError as error:
            if isinstance(error.cause, CancelledError):
                raise  # the run itself is cancelled
            found = errors.from_failure(error)
            if isinstance(found, errors.InvalidCredential | errors.NotPermitted):
                raise errors.to_failure(found) from error
            workflow.logger.error("maintenance: %s failed: %s", task, found or error.cause)
            why = preview(str(found or error.cause))
            return (TaskReport(task=task, seconds=round(workflow.time() - began, 3), error=why),)
        return report.tasks


def _scheduled() -> bool:
    """Whether a schedule of the server started the run."""
    return workflow.info().typed_search_attributes.get(_SCHEDULE) is not None
