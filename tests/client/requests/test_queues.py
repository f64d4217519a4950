"""A client without a task queue finds the one app that there is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client as TemporalClient

from holdfast import Agent, App
from holdfast.testing import Environment, ScriptedModel, say
from holdfast_client import Client, connect
from holdfast_client.requests.requests import Requests
from holdfast_temporal import DevServer, binding
from holdfast_temporal import connect as connect_temporal
from holdfast_workflows.contracts.errors import NoWorker, SettingsInvalid
from holdfast_workflows.contracts.operations.binding import Binding


@pytest.fixture
async def temporal(tmp_path: Path) -> AsyncIterator[TemporalClient]:
    """A server of its own: what is bound there is a whole namespace's matter."""
    async with DevServer(tmp_path / "own", memory=True, ui=False) as server:
        yield await connect_temporal(server.address)


async def bind(temporal: TemporalClient, queue: str, app: str) -> None:
    await binding.bind(temporal, queue, Binding(app=app, agents=("a",)))


async def test_a_client_finds_the_only_app_or_the_only_one_that_is_served(temporal: TemporalClient) -> None:
    app = App(name="shop", agents=[Agent("clerk", model="openai:scripted")])
    client = await connect(temporal=temporal)
    assert await client._requests.queue() == "holdfast", "nobody was there yet"
    async with ScriptedModel([say("Hello.")]) as model:
        address = temporal.service_client.config.target_host
        async with Environment.start(app, model, server=address) as holdfast:
            await bind(temporal, holdfast.task_queue, "shop")
            assert await client.run("clerk", "Hi!") == "Hello."
            await bind(temporal, "holdfast-billing", "billing")
            second: Client = await connect(temporal=temporal)
            assert await second._requests.queue() == holdfast.task_queue, "the other has no worker"


async def test_a_client_says_which_apps_there_are(temporal: TemporalClient) -> None:
    for app in ("shop", "billing"):
        await bind(temporal, f"holdfast-{app}", app)
    client = await connect(temporal=temporal)
    with pytest.raises(SettingsInvalid, match="'billing' on holdfast-billing, 'shop' on holdfast-shop"):
        await client.agents()
    # What is about one session needs no queue.
    assert [each async for each in client.sessions()] == []
    chosen = await connect(temporal=temporal, task_queue="holdfast-shop")
    assert await chosen._requests.queue() == "holdfast-shop"


async def test_a_queue_that_nobody_polls_is_named_with_its_app_and_database(temporal: TemporalClient) -> None:
    bound = Binding(app="shop", agents=("a",), database="d1", place="postgresql://db/shop")
    await binding.bind(temporal, "holdfast-shop", bound)
    for queue, words in (
        ("holdfast-shop", "'shop' on database d1 at postgresql://db/shop"),
        ("elsewhere", "no worker has ever served it"),
    ):
        requests = Requests(temporal, queue, 5.0, at_once=True)
        with pytest.raises(NoWorker, match=words):
            await requests.expect_worker()
