"""The schedule of maintenance, which worker processes make where it is missing."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from temporalio.client import Client, ScheduleActionStartWorkflow
from temporalio.service import RPCError

from holdfast_client import connect
from holdfast_temporal import DevServer
from holdfast_temporal import connect as connect_temporal
from holdfast_workers.startup.scheduling import ensure_backups, ensure_maintenance
from holdfast_workflows.contracts.agent.memory import MaintainInput
from holdfast_workflows.contracts.names import backup_id, maintenance_id

from ..test_process import worker


async def every(client: Client, task_queue: str) -> timedelta:
    found = await client.get_schedule_handle(maintenance_id(task_queue)).describe()
    return found.schedule.spec.intervals[0].every


@pytest.mark.slow
async def test_a_worker_process_schedules_maintenance(
    server: DevServer, client: Client, task_queue: str
) -> None:
    async with worker(server, task_queue, maintenance_every="1800") as running:
        await running.ready()
        assert await every(client, task_queue) == timedelta(minutes=30)
    await (await connect(temporal=client, task_queue=task_queue)).maintenance.schedule(None)


async def test_a_schedule_that_somebody_made_stays_as_it_is(client: Client, task_queue: str) -> None:
    maintenance = (await connect(temporal=client, task_queue=task_queue)).maintenance
    await maintenance.schedule(timedelta(hours=5))
    assert await ensure_maintenance(client, task_queue, 60.0)
    assert await every(client, task_queue) == timedelta(hours=5)
    await maintenance.schedule(None)


async def test_nothing_is_scheduled_where_it_is_not_wanted(client: Client, task_queue: str) -> None:
    assert not await ensure_maintenance(client, task_queue, 0.0)
    with pytest.raises(RPCError):
        await every(client, task_queue)


async def test_a_server_that_does_not_let_us_is_told_of_with_the_command(
    server: DevServer, task_queue: str, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = await connect_temporal(server.address, namespace="nowhere")
    with caplog.at_level(logging.WARNING):
        assert not await ensure_maintenance(nowhere, task_queue, 3_600.0)
    assert (
        f"holdfast --namespace nowhere --task-queue {task_queue} maintain schedule --every 3600s"
        in caplog.text
    )


async def test_backups_have_a_schedule_of_their_own(client: Client, task_queue: str) -> None:
    assert not await ensure_backups(client, task_queue, 0.0)
    assert await ensure_backups(client, task_queue, 600.0)
    handle = client.get_schedule_handle(backup_id(task_queue))
    schedule = (await handle.describe()).schedule
    assert schedule.spec.intervals[0].every == timedelta(minutes=10)
    assert isinstance(schedule.action, ScheduleActionStartWorkflow)
    [given] = await client.data_converter.decode(list(schedule.action.args), [MaintainInput])
    assert given.tasks == ("backup",)
    await handle.delete()
