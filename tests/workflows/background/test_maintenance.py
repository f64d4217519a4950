"""Maintenance as a workflow: every task by itself, none in the way of another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client as TemporalClient
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError
from temporalio.worker import Worker

from holdfast_client import connect
from holdfast_client.operations.maintenance import MaintenanceClient
from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.agent.memory import EVERY_TASK, MaintainInput, MaintenanceReport, TaskReport
from holdfast_workflows.maintenance import MaintenanceWorkflow

from ...support import WAIT

SCHEDULED = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED


@asynccontextmanager
async def maintained(
    temporal: TemporalClient, queue: str, task: Callable[[str], int]
) -> AsyncGenerator[MaintenanceClient]:
    """A client of maintenance that is played."""

    @activity.defn(name=names.MAINTAIN)
    async def maintain(request: MaintainInput) -> MaintenanceReport:
        if not request.tasks:
            return MaintenanceReport(known=EVERY_TASK)
        (name,) = request.tasks
        return MaintenanceReport(tasks=(TaskReport(task=name, count=task(name), seconds=0.5),))

    async with Worker(temporal, task_queue=queue, workflows=[MaintenanceWorkflow], activities=[maintain]):
        yield (await connect(temporal=temporal, task_queue=queue)).maintenance


def handle(temporal: TemporalClient, queue: str) -> WorkflowHandle[object, object]:
    return temporal.get_workflow_handle(f"{names.maintenance_id(queue)}-by-hand")


async def test_each_task_is_an_activity_of_its_own_in_the_timeline(
    client: TemporalClient, task_queue: str
) -> None:
    async with maintained(client, task_queue, lambda _: 2) as maintenance:
        report = await maintenance.run()
        found: WorkflowMetadata = await handle(client, task_queue).query("__temporal_workflow_metadata")
        events = [
            event
            async for event in handle(client, task_queue).fetch_history_events()
            if event.event_type == SCHEDULED
        ]
    told = [event.user_metadata.summary.data.decode() for event in events]
    # Tasks take many minutes; a lost worker is to be noticed sooner.
    beats = [each.activity_task_scheduled_event_attributes.heartbeat_timeout.seconds for each in events]
    assert set(beats[1:]) == {60}
    assert [each.task for each in report.tasks] == [*EVERY_TASK]
    assert told == [f'"{task}"' for task in ("tasks", *EVERY_TASK)]
    assert "| expire | 2 | 0.5 s | done |" in found.current_details


async def test_a_task_that_fails_is_reported_and_the_rest_is_done(
    client: TemporalClient, task_queue: str
) -> None:
    def expire_fails(task: str) -> int:
        if task == "expire":
            raise errors.to_failure(errors.EmbeddingMismatch("a is not b"))
        return 1

    async with maintained(client, task_queue, expire_fails) as maintenance:
        report = await maintenance.run()
        found: WorkflowMetadata = await handle(client, task_queue).query("__temporal_workflow_metadata")
    by_task = {each.task: each for each in report.tasks}
    assert by_task["expire"].count == 0
    assert "a is not b" in by_task["expire"].error
    assert [each.count for each in report.tasks if each.task != "expire"] == [1] * (len(EVERY_TASK) - 1)
    assert "another embedding model" in found.current_details


async def test_only_the_tasks_that_are_asked_for_are_done(client: TemporalClient, task_queue: str) -> None:
    async with maintained(client, task_queue, lambda _: 0) as maintenance:
        report = await maintenance.run("outbox", "prune")
    assert [each.task for each in report.tasks] == ["outbox", "prune"]


async def test_one_that_is_cancelled_begins_no_further_task(client: TemporalClient, task_queue: str) -> None:
    begun: list[str] = []
    entered = asyncio.Event()

    @activity.defn(name=names.MAINTAIN)
    async def maintain(request: MaintainInput) -> MaintenanceReport:
        if not request.tasks:
            return MaintenanceReport(known=EVERY_TASK)
        begun.extend(request.tasks)
        entered.set()
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.05)

    async with Worker(client, task_queue=task_queue, workflows=[MaintenanceWorkflow], activities=[maintain]):
        running = await client.start_workflow(
            names.MAINTENANCE_WORKFLOW, MaintainInput(), id=f"m-{task_queue}", task_queue=task_queue
        )
        async with asyncio.timeout(WAIT):
            await entered.wait()
            await running.cancel()
            with pytest.raises(WorkflowFailureError) as failure:
                await running.result()
    assert isinstance(failure.value.cause, CancelledError)
    assert begun == ["outbox"]
