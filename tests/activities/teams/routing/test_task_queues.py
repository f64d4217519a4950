"""What Temporal knows about a task queue: live workers, and those that have stopped."""

from __future__ import annotations

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from holdfast_activities.teams.routing import task_queues
from holdfast_activities.teams.routing.task_queues import TaskQueues
from tests.support import eventually


@activity.defn
async def nothing() -> None:
    """Do nothing."""


async def test_a_worker_that_has_stopped_is_not_live_although_its_polls_are_still_listed(
    client: Client, task_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_queues, "_FRESH", 0.0)
    queues = TaskQueues()
    assert (await queues.describe(client, task_queue)).workers == 0
    async with Worker(client, task_queue=task_queue, activities=[nothing]):
        await eventually(lambda: serves(queues, client, task_queue))
    assert (await queues.describe(client, task_queue)).workers == 0


async def serves(queues: TaskQueues, client: Client, name: str) -> bool:
    return (await queues.describe(client, name)).workers == 1
