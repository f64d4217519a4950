"""The monitor of a queue's deployment: start it, stop it, read its reports, revert its changes."""

import time
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.exceptions import TemporalError

import holdfast_temporal
from holdfast_client.requests.errors import translate
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control.access import check_deployment
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.operations.monitor import (
    AdjustMaintenance,
    MonitorChange,
    MonitorInput,
    MonitorReport,
)
from holdfast_workflows.contracts.operations.sessions import quoted
from holdfast_workflows.contracts.public import public

_SHORTEST = timedelta(seconds=30)


@public
class MonitorClient:
    """The monitor of a queue's deployment. Made by ``Client.monitor``."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def start(self, every: timedelta = timedelta(minutes=1), *, apply: bool = False) -> None:
        """Start the monitor, or change its settings.

        Args:
            every: The interval of its runs.
            apply: Let it apply recommendations that are safe and can be reverted.

        Raises:
            BadInput: The interval is less than 30 seconds.
            ServiceError: The server refused the schedule.
            NoWorker: No worker serves the queue.
        """
        await self._permitted()
        if every < _SHORTEST:
            raise BadInput(f"the interval of the monitor is {every}; the minimum is {_SHORTEST}")
        await self._requests.expect_worker()
        queue = await self._requests.queue()
        wanted = holdfast_temporal.Repeated(
            names.monitor_id(queue),
            names.MONITOR_WORKFLOW,
            MonitorInput(apply=apply),
            queue,
            every,
            "monitor",
        )
        await holdfast_temporal.ensure_schedule(self._requests.temporal, wanted, replace=True)

    async def stop(self) -> bool:
        """Stop the monitor; return whether it was started. Its changes stay."""
        await self._permitted()
        id = names.monitor_id(await self._requests.queue())
        return await holdfast_temporal.remove_schedule(self._requests.temporal, id)

    async def reports(self, *, limit: int = 1) -> tuple[MonitorReport, ...]:
        """Return the last reports, the newest first, as long as Temporal keeps their histories."""
        await self._permitted()
        temporal, queue = self._requests.temporal, quoted(await self._requests.queue())
        query = f"WorkflowType = '{names.MONITOR_WORKFLOW}' AND TaskQueue = {queue} AND ExecutionStatus = 'Completed'"
        try:
            ids = [(each.id, each.run_id) async for each in temporal.list_workflows(query, limit=limit)]
        except TemporalError as error:
            raise translate(error) from error
        return tuple([await self._report(id, run) for id, run in ids])

    async def revert(self, id: str, *, by: str = "") -> MonitorChange:
        """Revert a change of the monitor: maintenance runs at its former interval again.

        The monitor makes no change for a day after that.

        Raises:
            BadInput: There is no such change, or it is reverted already.
        """
        [report] = await self.reports() or [MonitorReport()]
        change = next((each for each in report.changes if each.id == id), None)
        if change is None:
            known = ", ".join(each.id for each in report.changes if not each.reverted) or "none"
            raise BadInput(f"the monitor has made no change {id!r}; its changes are {known}")
        if change.reverted:
            raise BadInput(f"the change {id} is reverted already")
        now = time.time()
        adjust = AdjustMaintenance(
            id=id, action="reverted", every=change.before, before=change.after, by=by, at=now
        )
        await self._requests.activity(names.ADJUST_MAINTENANCE, adjust, bool)
        return change.model_copy(update={"reverted": now})

    async def _report(self, id: str, run: str) -> MonitorReport:
        handle: WorkflowHandle[Any, MonitorReport] = self._requests.temporal.get_workflow_handle(
            id, run_id=run, result_type=MonitorReport
        )
        try:
            return await self._requests.call(handle.result())
        except TemporalError as error:
            raise translate(error) from error

    async def _permitted(self) -> None:
        # The server answers without asking a worker.
        check_deployment(await self._requests.principal(), "maintain")
