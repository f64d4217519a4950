"""The monitor's change: maintenance runs now and more often, unless it is paused or the change is reverted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from temporalio import workflow
from temporalio.client import Client, ScheduleHandle
from temporalio.worker import Worker

from holdfast_activities.operations.monitor.adjust import Adjust
from holdfast_activities.state import open_state
from holdfast_workers.startup.scheduling import ensure_maintenance
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.operations.monitor import AdjustMaintenance

_LIMIT = timedelta(seconds=30)


@workflow.defn(sandboxed=False)
class Adjusting:
    """Runs the activity once."""

    @workflow.run
    async def run(self, change: AdjustMaintenance) -> None:
        """Change the interval."""
        await workflow.execute_activity(names.ADJUST_MAINTENANCE, change, start_to_close_timeout=_LIMIT)


@pytest.fixture
async def schedule(client: Client, task_queue: str) -> AsyncIterator[ScheduleHandle]:
    """The schedule of maintenance, every hour."""
    assert await ensure_maintenance(client, task_queue, 3_600)
    handle = client.get_schedule_handle(names.maintenance_id(task_queue))
    yield handle
    await handle.delete()


@pytest.mark.parametrize(
    ("action", "paused", "runs"),
    [("applied", False, 1), ("applied", True, 0), ("reverted", False, 0)],
)
async def test_a_change_begins_with_a_run(
    action: Literal["applied", "reverted"],
    paused: bool,
    runs: int,
    client: Client,
    task_queue: str,
    schedule: ScheduleHandle,
    tmp_path: Path,
) -> None:
    if paused:
        await schedule.pause()
    state = await open_state(f"sqlite:///{tmp_path}/state.db")
    change = AdjustMaintenance(id="c", action=action, every=1_800, before=3_600, at=1.0)
    activities = [Adjust(state).adjust_maintenance]
    async with Worker(client, task_queue=task_queue, workflows=[Adjusting], activities=activities):
        await client.execute_workflow(Adjusting.run, change, id=f"adjust-{task_queue}", task_queue=task_queue)
    await state.close()
    # A run of our own comes after that of the change, which is not done: no worker serves maintenance here.
    await schedule.trigger()
    async with asyncio.timeout(30):
        while True:
            found = await schedule.describe()
            if found.info.num_actions + found.info.num_actions_skipped_overlap == runs + 1:
                break
            assert found.info.num_actions + found.info.num_actions_skipped_overlap <= runs + 1
            await asyncio.sleep(0.05)  # the server sets no event
    assert (found.info.num_actions, found.info.num_actions_skipped_overlap) == (1, runs)
    assert found.schedule.spec.intervals[0].every.total_seconds() == 1_800
