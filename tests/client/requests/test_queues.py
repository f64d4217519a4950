"""A client without a task queue finds the namespace's only app."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import PollWorkflowTaskQueueRequest
from temporalio.client import Client as TemporalClient

from holdfast import Agent, App
from holdfast.testing import Environment, ScriptedModel, say
from holdfast_client import Client, connect
from holdfast_client.requests import connection
from holdfast_client.requests.requests import Requests
from holdfast_temporal import DevServer, binding
from holdfast_temporal import connect as connect_temporal
from holdfast_workflows.contracts.errors import NoWorker, SettingsInvalid
from holdfast_workflows.contracts.operations.binding import Binding
from tests.support import eventually


@pytest.fixture
async def temporal(tmp_path: Path) -> AsyncIterator[TemporalClient]:
    """A separate server, since bindings belong to a whole namespace."""
    async with DevServer(tmp_path / "own", memory=True, ui=False) as server:
        yield await connect_temporal(server.address)


async def bind(temporal: TemporalClient, queue: str, app: str) -> None:
    await binding.bind(temporal, queue, Binding(app=app, agents=("a",)))


async def test_a_client_finds_the_only_app_or_the_only_served_one(temporal: TemporalClient) -> None:
    app = App(name="store", agents=[Agent("clerk", model="openai:scripted")])
    client = await connect(temporal=temporal)
    assert await client._requests.queue() == "holdfast", "no worker has bound a queue yet"
    async with ScriptedModel([say("Hello.")]) as model:
        address = temporal.service_client.config.target_host
        async with Environment.start(app, model, server=address) as holdfast:
            await bind(temporal, holdfast.task_queue, "store")
            assert await client.run("clerk", "Hi!") == "Hello."
            await bind(temporal, "holdfast-billing", "billing")
            second: Client = await connect(temporal=temporal)
            assert await second._requests.queue() == holdfast.task_queue, "the other has no worker"


async def test_a_client_lists_the_apps_if_there_are_several(temporal: TemporalClient) -> None:
    for app in ("store", "billing"):
        await bind(temporal, f"holdfast-{app}", app)
    client = await connect(temporal=temporal)
    with pytest.raises(SettingsInvalid, match="'billing' on holdfast-billing, 'store' on holdfast-store"):
        await client.agents()
    # A request for one session needs no queue.
    assert [each async for each in client.sessions()] == []
    chosen = await connect(temporal=temporal, task_queue="holdfast-store")
    assert await chosen._requests.queue() == "holdfast-store"


async def test_an_unpolled_queue_is_reported_with_its_app_and_database(temporal: TemporalClient) -> None:
    bound = Binding(app="store", agents=("a",), database="d1", place="postgresql://db/store")
    await binding.bind(temporal, "holdfast-store", bound)
    for queue, words in (
        ("holdfast-store", "'store' on database d1 at postgresql://db/store"),
        ("elsewhere", "no worker has ever served it"),
    ):
        requests = Requests(temporal, queue, 5.0, at_once=True)
        with pytest.raises(NoWorker, match=words):
            await requests.expect_worker()


async def test_a_wrong_clock_shows_in_the_last_poll(
    temporal: TemporalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = PollWorkflowTaskQueueRequest(namespace="default", task_queue=TaskQueue(name="q"), identity="w")
    polling = asyncio.create_task(temporal.workflow_service.poll_workflow_task_queue(poll))
    requests = Requests(temporal, "q", 5.0, at_once=True)
    await eventually(lambda: requests.polled("q"))
    late = time.time() + 600
    monkeypatch.setattr(connection, "time", SimpleNamespace(time=lambda: late))
    with pytest.raises(NoWorker, match=r"the last poll was [56]\d\d s ago by this machine's clock"):
        await requests.expect_worker()
    polling.cancel()
    await asyncio.wait([polling])
