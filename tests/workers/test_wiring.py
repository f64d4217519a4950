from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from temporalio import activity
from temporalio.client import Client

from holdfast_activities.models import Models
from holdfast_activities.resilience import Resilience
from holdfast_activities.state import State, open_state
from holdfast_workers.settings import Settings
from holdfast_workers.wiring import build_worker
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.operations.content import AgentList

from .user_workflows import Where


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[State]:
    """A state database of its own."""
    state = await open_state(f"sqlite:///{tmp_path / 'state.db'}")
    yield state
    await state.close()


@activity.defn
def in_thread() -> str:
    """An activity that is not async."""
    return threading.current_thread().name


async def test_agents_and_the_users_own_workflows_and_activities_are_served(
    client: Client, task_queue: str, state: State
) -> None:
    registry = Registry(
        agents={"support": AgentSpec(name="support", instructions="Help.", models=("openai:m",))},
        tools={"support": {}},
        workflows=[Where],
        activities=[in_thread],
    )
    settings = Settings.load(task_queue=task_queue)
    async with (
        asyncio.timeout(60),
        build_worker(client, registry, state, Models({}), Resilience(state), settings),
    ):
        listed = await client.execute_activity(
            names.LIST_AGENTS,
            id=f"list-{task_queue}",
            task_queue=task_queue,
            result_type=AgentList,
            start_to_close_timeout=timedelta(seconds=10),
        )
        assert [agent.name for agent in listed.agents] == ["support"]
        where = await client.execute_workflow(Where.run, id=f"where-{task_queue}", task_queue=task_queue)
        assert where is True
        thread = await client.execute_activity(
            in_thread,
            id=f"thread-{task_queue}",
            task_queue=task_queue,
            start_to_close_timeout=timedelta(seconds=10),
        )
        assert thread.startswith("activity")


async def test_the_worker_is_set_up_as_the_design_says(client: Client, task_queue: str, state: State) -> None:
    settings = Settings.load(task_queue=task_queue, graceful_seconds=7, max_concurrent_activities=9)
    worker = build_worker(
        client, Registry(agents={}, tools={}), state, Models({}), Resilience(state), settings
    )
    config = cast("dict[str, object]", worker.config())
    assert config.get("task_queue") == task_queue
    assert config.get("graceful_shutdown_timeout") == timedelta(seconds=7)
    assert config.get("max_concurrent_activities") == 9
    assert config.get("sticky_queue_schedule_to_start_timeout") == timedelta(seconds=2)
    assert config.get("max_heartbeat_throttle_interval") == timedelta(milliseconds=200)
    assert config.get("default_heartbeat_throttle_interval") == timedelta(milliseconds=200)
    assert not config.get("disable_eager_activity_execution")
    assert not config.get("workflow_failure_exception_types")
