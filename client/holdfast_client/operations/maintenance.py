"""Maintenance: run it, schedule it, and see its last runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio.client import WorkflowExecution, WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import TemporalError

import holdfast_temporal
from holdfast_client.requests.errors import translate
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent import memory as contracts
from holdfast_workflows.contracts.control.access import check_deployment
from holdfast_workflows.contracts.errors import BadInput, HoldfastError
from holdfast_workflows.contracts.operations.sessions import quoted
from holdfast_workflows.contracts.public import public

_SHORTEST = timedelta(minutes=1)

_SCHEDULE = SearchAttributeKey.for_keyword("TemporalScheduledById")


@public
@dataclass(frozen=True)
class MaintenanceRun:
    """A run of maintenance.

    Attributes:
        started: When it began.
        ended: When it ended; None while it runs.
        scheduled: Whether its schedule started it.
        tasks: Its tasks, each with its changes, its seconds, and its error if it failed.
        error: Why the run itself failed; empty if it did not.
    """

    started: datetime
    ended: datetime | None
    scheduled: bool
    tasks: tuple[contracts.TaskReport, ...] = ()
    error: str = ""


@public
class MaintenanceClient:
    """The maintenance of a queue's deployment. Made by ``Client.maintenance``."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def run(self, *tasks: contracts.MaintenanceTask) -> contracts.MaintenanceReport:
        """Run maintenance now and wait for it; join a manual run that is in progress.

        Args:
            tasks: Only these, such as ``retention`` or ``vacuum``; all by default.

        Raises:
            BadInput: There is no such task.
        """
        known = (*contracts.EVERY_TASK, "backup")  # which has a schedule of its own
        if unknown := [task for task in tasks if task not in known]:
            raise BadInput(f"{unknown[0]!r} is not a maintenance task; valid values are {', '.join(known)}")
        return await self._requests.maintain(contracts.MaintainInput(tasks=tasks or contracts.TASKS))

    async def runs(self, *, limit: int = 10) -> tuple[MaintenanceRun, ...]:
        """Return the last runs, the newest first, as long as Temporal keeps their histories."""
        # The server answers this itself, without asking a worker.
        check_deployment(await self._requests.principal(), "maintain")
        queue = quoted(await self._requests.queue())
        query = f"WorkflowType = '{names.MAINTENANCE_WORKFLOW}' AND TaskQueue = {queue}"
        try:
            found = [each async for each in self._requests.temporal.list_workflows(query, limit=limit)]
        except TemporalError as error:
            raise translate(error) from error
        return tuple([await self._run(each) for each in found])

    async def _run(self, found: WorkflowExecution) -> MaintenanceRun:
        scheduled = found.typed_search_attributes.get(_SCHEDULE) is not None
        run = MaintenanceRun(found.start_time, found.close_time, scheduled)
        if found.status == WorkflowExecutionStatus.RUNNING:
            return run
        handle: WorkflowHandle[Any, contracts.MaintenanceReport] = (
            self._requests.temporal.get_workflow_handle(
                found.id, run_id=found.run_id, result_type=contracts.MaintenanceReport
            )
        )
        try:
            report = await self._requests.call(handle.result())
        except (TemporalError, HoldfastError) as error:
            problem = translate(error) if isinstance(error, TemporalError) else error
            return MaintenanceRun(run.started, run.ended, scheduled, error=str(problem))
        return MaintenanceRun(run.started, run.ended, scheduled, report.tasks)

    async def schedule(self, every: timedelta | None) -> None:
        """Schedule maintenance at an interval; None removes the schedule.

        Raises:
            BadInput: The interval is less than a minute.
            ServiceError: The server refused the schedule.
            NoWorker: No worker serves the queue.
        """
        # The server would take it from every client; its runs would be refused or not, as their schedule.
        check_deployment(await self._requests.principal(), "maintain")
        queue, temporal = await self._requests.queue(), self._requests.temporal
        id = names.maintenance_id(queue)
        if every is None:
            await holdfast_temporal.remove_schedule(temporal, id)
            return
        if every < _SHORTEST:
            raise BadInput(f"the maintenance interval is {every}; the minimum is {_SHORTEST}")
        await self._requests.expect_worker()
        wanted = holdfast_temporal.Repeated(
            id, names.MAINTENANCE_WORKFLOW, contracts.MaintainInput(), queue, every, "maintenance"
        )
        await holdfast_temporal.ensure_schedule(temporal, wanted, replace=True)
