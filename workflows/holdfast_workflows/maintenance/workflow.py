"""The maintenance workflow: its tasks one after the other, each an activity."""

from datetime import timedelta
from typing import Any, cast

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

_MINUTES: dict[str, int] = {"outbox": 5, "expire": 10, "prune": 15, "audit": 10, "backup": 60}
"""Minutes that one attempt may take, by default 30. Finished work of a timed-out attempt is kept."""

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
        if tasks == TASKS:
            tasks = await self._known()
        for task in tasks:
            workflow.set_current_details(details.render(self._reports, task))
            self._reports += await self._run_task(task)
        workflow.set_current_details(details.render(self._reports))
        return MaintenanceReport(tasks=tuple(self._reports))

    async def _known(self) -> tuple[MaintenanceTask, ...]:
        """Return the tasks that the workers have; those of the first release if they do not say."""
        if not workflow.patched("known_tasks"):
            return (*TASKS, "audit") if workflow.patched("audit") else TASKS
        try:
            report: MaintenanceReport = await workflow.execute_activity(
                names.MAINTAIN,
                MaintainInput(tasks=(), identity=self._start, scheduled=_scheduled()),
                result_type=MaintenanceReport,
                start_to_close_timeout=_HEARTBEAT_TIMEOUT,
                retry_policy=_RETRY,
                summary="tasks",
            )
        except ActivityError as error:
            _expect_permitted(error)
            return TASKS  # each of them reports what is wrong
        return cast("tuple[MaintenanceTask, ...]", report.known) or (*TASKS, "audit")

    async def _run_task(self, task: MaintenanceTask) -> tuple[TaskReport, ...]:
        began = workflow.time()
        try:
            report: MaintenanceReport = await workflow.execute_activity(
                names.MAINTAIN,
                MaintainInput(tasks=(task,), identity=self._start, scheduled=_scheduled()),
                result_type=MaintenanceReport,
                start_to_close_timeout=timedelta(minutes=_MINUTES.get(task, 30)),
                heartbeat_timeout=_HEARTBEAT_TIMEOUT,
                retry_policy=_RETRY,
                summary=task,
            )
        except ActivityError as error:
            found = _expect_permitted(error)
            workflow.logger.error("maintenance: %s failed: %s", task, found or error.cause)
            why = preview(str(found or error.cause))
            return (TaskReport(task=task, seconds=round(workflow.time() - began, 3), error=why),)
        return report.tasks


def _expect_permitted(error: ActivityError) -> errors.HoldfastError | None:
    """Return the error of a failed task; raise it if it ends the run."""
    if isinstance(error.cause, CancelledError):
        raise error  # the run itself is cancelled
    found = errors.from_failure(error)
    if isinstance(found, errors.InvalidCredential | errors.NotPermitted):
        raise errors.to_failure(found) from error
    return found


def _scheduled() -> bool:
    """Whether a schedule of the server started the run."""
    return workflow.info().typed_search_attributes.get(_SCHEDULE) is not None
