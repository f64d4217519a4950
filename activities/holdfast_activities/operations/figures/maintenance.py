"""When each task of maintenance last succeeded, from the results of its newest runs."""

from collections.abc import Sequence
from typing import Final

from temporalio.client import Client

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import MaintenanceReport
from holdfast_workflows.contracts.operations.figures import Figure
from holdfast_workflows.contracts.operations.sessions import quoted

_RUNS: Final = 3
"""Newest runs to read, of maintenance and of backups: a task that failed in all of them counts as never done."""


_KINDS: Final = (names.maintenance_id(""), names.backup_id(""))
"""How the ids of runs begin. Backups are frequent, so maintenance would not be among the newest runs of both."""


async def read(client: Client, queues: Sequence[str]) -> list[Figure]:
    """Return the time of each task's last success; 0 for a task that failed in all of the newest runs."""
    last = dict[str, float]()
    for kind in _KINDS:
        wanted = (
            f"WorkflowType = '{names.MAINTENANCE_WORKFLOW}' AND ExecutionStatus = 'Completed' "
            f"AND WorkflowId STARTS_WITH '{kind}' AND TaskQueue IN ({', '.join(map(quoted, queues))})"
        )
        async for each in client.list_workflows(wanted, limit=_RUNS):
            if each.close_time is None:
                continue
            handle = client.get_workflow_handle(
                each.id,
                run_id=each.run_id,
                first_execution_run_id=each.run_id,
                result_type=MaintenanceReport,
            )
            for task in (await handle.result()).tasks:
                at = 0.0 if task.error else each.close_time.timestamp()
                last[task.task] = max(last.get(task.task, 0.0), at)
    name = "holdfast_maintenance_success_timestamp_seconds"
    return [Figure(name=name, value=at, labels={"task": task}) for task, at in last.items()]
