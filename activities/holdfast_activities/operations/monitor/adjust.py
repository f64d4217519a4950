"""``adjust_maintenance``: change how often maintenance runs, begin with a run, and record it in the audit log."""

from datetime import timedelta

from temporalio import activity
from temporalio.client import ScheduleIntervalSpec, ScheduleUpdate, ScheduleUpdateInput
from temporalio.service import RPCError, RPCStatusCode

from holdfast_activities.identity.acting import actor
from holdfast_activities.session.common.failures import reports_failures
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control.audit import AuditRecord
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.operations.monitor import AdjustMaintenance


class Adjust:
    """Changes the schedule of maintenance."""

    def __init__(self, state: State) -> None:
        self._state = state

    @activity.defn(name=names.ADJUST_MAINTENANCE)
    @reports_failures
    async def adjust_maintenance(self, change: AdjustMaintenance) -> bool:
        """Set the interval, and start a run unless it is reverted or maintenance is paused.

        The record comes first: no change without it. While a run goes on, no other is started.
        """
        await self._state.append_audit(_record(change))
        id = names.maintenance_id(activity.info().task_queue)
        every = timedelta(seconds=change.every)

        paused = False

        def with_interval(found: ScheduleUpdateInput) -> ScheduleUpdate:
            nonlocal paused
            schedule = found.description.schedule
            paused = schedule.state.paused
            schedule.spec.intervals = [ScheduleIntervalSpec(every=every)]
            return ScheduleUpdate(schedule)

        try:
            schedule = activity.client().get_schedule_handle(id)
            await schedule.update(with_interval)
            if change.action == "applied" and not paused:
                # The first run of the new interval may be minutes away.
                await schedule.trigger()
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                raise BadInput("maintenance is not scheduled; run `holdfast maintain schedule`") from error
            raise
        return True


def _record(change: AdjustMaintenance) -> AuditRecord:
    intervals = {"before": f"{change.before:g}", "after": f"{change.every:g}"}
    return AuditRecord(
        id=f"{change.id}-{change.action}",
        kind="operator",
        action=f"monitor_{change.action}",
        principal="" if activity.info().workflow_id else actor(),
        subject=change.id,
        reason=change.why,
        details=intervals | ({"by": change.by} if change.by else {}),
        at=change.at,
    )
