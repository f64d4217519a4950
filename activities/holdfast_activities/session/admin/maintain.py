"""``maintain``: maintenance of memories and the state database. A failed task does not stop the others."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.identity.requests import IdentityRequests
from holdfast_activities.memory.memories import Memories, required
from holdfast_activities.memory.outbox.applying import Applying
from holdfast_activities.operations.maintenance.log_files import remove_old_logs
from holdfast_activities.operations.maintenance.orphans import OrphanTask
from holdfast_activities.operations.maintenance.settings import MaintenanceSettings
from holdfast_activities.operations.retention.memories import held_memories
from holdfast_activities.operations.retention.sweep import Sweep
from holdfast_activities.resilience.classify import classify
from holdfast_activities.state.audit.exporting import export
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import (
    EVERY_TASK,
    MaintainInput,
    MaintenanceReport,
    MaintenanceTask,
    TaskReport,
)
from holdfast_workflows.contracts.errors import BackupFailed, HoldfastError, to_failure

from ..common.heartbeat import Heartbeat

KEEP = 30 * 86_400.0
"""Retention in seconds of stored replies, applied changes and old versions on boards."""


@dataclass(frozen=True, slots=True)
class Maintain:
    """The maintenance activity."""

    identity: IdentityRequests
    state: State
    memories: Memories | None
    applying: Applying
    settings: MaintenanceSettings

    @activity.defn(name=names.MAINTAIN)
    async def maintain(self, request: MaintainInput) -> MaintenanceReport:
        """Run the tasks in order and report each. A single requested task fails the activity, so Temporal retries it."""
        try:
            self.identity.maintained(request)
        except HoldfastError as error:
            raise to_failure(error) from error
        if not request.tasks:
            return MaintenanceReport(known=EVERY_TASK)
        reports: list[TaskReport] = []
        for task in request.tasks:
            began = time.monotonic()
            count, problem = 0, ""
            try:
                with Heartbeat():
                    count = await self._do(task, clock.now())
            except Exception as error:
                found = classify(error)
                if len(request.tasks) == 1:
                    raise to_failure(found) from error
                activity.logger.error("maintenance: %s failed: %s", task, found)
                problem = str(found)
            seconds = round(time.monotonic() - began, 3)
            reports.append(TaskReport(task=task, count=count, seconds=seconds, error=problem))
        return MaintenanceReport(tasks=tuple(reports))

    def _do(self, task: MaintenanceTask, now: float) -> Awaitable[int]:
        tasks: dict[MaintenanceTask, Callable[[], Awaitable[int]]] = {
            "outbox": self.applying.drain,
            "expire": lambda: self._expire(now),
            "consolidate": lambda: self._consolidate(now),
            "retention": lambda: Sweep(self.state).retain(now),
            "prune": lambda: self.state.erasing.prune(now - KEEP),
            "optimise": lambda: required(self.memories).optimise(),
            "orphans": lambda: OrphanTask(self.state).run(now),
            "vacuum": self.state.vacuum,
            "logs": lambda: remove_old_logs(self.settings.log_folder, self.settings.log_days),
            "audit": lambda: self._export(now),
            "backup": self._make_backup,
        }
        return tasks[task]()

    async def _expire(self, now: float) -> int:
        memories = required(self.memories)
        return await memories.expire(now, await held_memories(self.state.retention.holds))

    async def _consolidate(self, now: float) -> int:
        memories = required(self.memories)
        return await memories.consolidate(now, await held_memories(self.state.retention.holds))

    async def _make_backup(self) -> int:
        if self.settings.back_up is None:
            raise BackupFailed("this worker has no HOLDFAST_BACKUP_FOLDER")
        return await self.settings.back_up()

    async def _export(self, now: float) -> int:
        state = self.state
        place = self.settings.audit_export
        if not place or state.keys is None:
            return 0
        return await export(state.audit, state.keys, state.identity.id, place, now)
