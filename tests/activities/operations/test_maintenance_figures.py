"""When tasks of maintenance last succeeded, as the probe reports it."""

from __future__ import annotations

import asyncio

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from holdfast_activities.operations.figures import maintenance
from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.agent.memory import EVERY_TASK, MaintainInput, MaintenanceReport, TaskReport
from holdfast_workflows.maintenance import MaintenanceWorkflow

BACKUPS = 4


async def test_a_task_without_a_success_is_0_and_backups_hide_no_other_task(
    client: Client, task_queue: str
) -> None:
    @activity.defn(name=names.MAINTAIN)
    async def maintain(request: MaintainInput) -> MaintenanceReport:
        if request.tasks == ("audit",):
            raise errors.to_failure(errors.BadInput("no place"))
        return MaintenanceReport(
            known=EVERY_TASK, tasks=tuple(TaskReport(task=each) for each in request.tasks)
        )

    async with Worker(client, task_queue=task_queue, workflows=[MaintenanceWorkflow], activities=[maintain]):
        ids = {names.maintenance_id(task_queue): MaintainInput()}
        backup = MaintainInput(tasks=("backup",))
        ids |= {f"{names.backup_id(task_queue)}-{number}": backup for number in range(BACKUPS)}
        for id, given in ids.items():
            await client.execute_workflow(
                names.MAINTENANCE_WORKFLOW, given, id=id, task_queue=task_queue, result_type=MaintenanceReport
            )
        found = dict[str, float]()
        async with asyncio.timeout(30):
            while len(found) <= len(EVERY_TASK):  # visibility follows the runs
                await asyncio.sleep(0.05)
                found = {
                    each.labels["task"]: each.value for each in await maintenance.read(client, [task_queue])
                }
    assert set(found) == {*EVERY_TASK, "backup"}
    assert [task for task, at in found.items() if not at] == ["audit"]
