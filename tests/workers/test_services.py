"""Workers of service queues: what they serve, need and report, and whose queues they are."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from temporalio.client import Client

from holdfast import ResultEntry, connect
from holdfast.testing import ScriptedModel, call, say
from holdfast_client.requests import queues
from holdfast_temporal import DevServer, probe
from holdfast_temporal import binding as bindings
from holdfast_workers import services
from holdfast_workers.startup import binding
from holdfast_workflows.contracts.errors import AppMismatch, SettingsInvalid
from holdfast_workflows.contracts.operations.binding import Binding

from ..support import eventually
from .monitoring.test_telemetry import scrape
from .running import Running, started
from .services_app import app

APP = "tests.workers.services_app:app"


@pytest.mark.parametrize(
    ("chosen", "served"),
    [
        ("", ("",)),
        ("search", ("search",)),
        ("sandbox, search,search", ("sandbox", "search")),
        ("*", ("", "sandbox", "search")),
    ],
)
def test_a_process_serves_the_apps_own_queue_or_the_chosen_ones(chosen: str, served: tuple[str, ...]) -> None:
    assert services.served(app.registry(), chosen) == served


def test_a_service_that_the_app_lacks_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SettingsInvalid, match=r"No service queue 'serch'; did you mean 'search'\?"):
        services.served(app.registry(), "serch")


@pytest.mark.parametrize(
    ("served", "agents", "tools"),
    [
        ([""], {"core"}, {"local"}),
        (["search"], {"analyst"}, {"search", "local"}),
        (["sandbox"], set[str](), {"run_code"}),
    ],
)
def test_a_worker_needs_the_models_tools_and_secrets_of_what_it_serves(
    served: list[str], agents: set[str], tools: set[str]
) -> None:
    part = services.part(app.registry(), served)
    assert set(part.agents) == agents
    assert {name for own in part.tools.values() for name in own} == tools


async def test_a_service_runs_in_a_process_of_its_own_and_reports_its_queue(
    server: DevServer, client: Client, task_queue: str
) -> None:
    [port] = probe.free_ports(1)
    async with ScriptedModel([call("search"), say("Done.")]) as model:
        providers = json.dumps({"openai": {"kind": "openai", "base_url": model.openai_url}})

        def worker(*arguments: str, **settings: str) -> AbstractAsyncContextManager[Running]:
            given = {"temporal_address": server.address, "task_queue": task_queue, "health_port": "0"}
            return started("worker", APP, *arguments, providers=providers, **{**given, **settings})

        async with (
            worker() as core,
            worker("--queue", "search", health_port=str(port), search_key="s") as service,
        ):
            await core.ready()
            await service.ready()
            session = await (await connect(server.address, task_queue=task_queue)).start("core", "Go.")
            assert (await session.wait()).text == "Done."
            [result] = [each async for each in session.log() if isinstance(each, ResultEntry)]
            assert result.text == str(service.process.pid)
            assert (await service.get("/health"))[1]["queues"] == [f"{task_queue}-search"]
            assert (await core.get("/health"))[1]["queues"] == [task_queue]
            label = f'task_queue="{task_queue}-search"'
            assert any(
                name.startswith("temporal_activity_schedule_to_start_latency") and label in name
                for name in await scrape(port)
            )
            assert "other workers serve, with --queue: sandbox, search" in core.text


OWN = Binding(app="", agents=("core",), module="m:app", database="one", place="sqlite:///one")


async def test_another_app_cannot_use_the_queue_of_a_service(client: Client, task_queue: str) -> None:
    await binding.ensure_all(client, task_queue, OWN, ["search"])
    other = OWN.model_copy(update={"app": "search"})
    with pytest.raises(AppMismatch, match=f"is a service queue of {task_queue}"):
        await binding.ensure_all(client, f"{task_queue}-search", other, [])


async def test_a_service_cannot_use_the_queue_of_another_app(client: Client, task_queue: str) -> None:
    await binding.ensure_all(client, f"{task_queue}-search", OWN, [])
    with pytest.raises(AppMismatch, match="rename the App or the service"):
        await binding.ensure_all(client, task_queue, OWN, ["search"])


async def test_clients_do_not_take_a_service_for_an_app(client: Client, task_queue: str) -> None:
    service = f"{task_queue}-search"
    await binding.ensure_all(client, task_queue, OWN, ["search"])

    async def listed() -> bool:
        return {task_queue, service} <= set(await bindings.bound(client))

    async def polled(queue: str) -> bool:
        return queue in {task_queue, service}

    await eventually(listed)
    assert await queues.find(client, polled) == task_queue


async def test_dev_serves_every_queue_of_its_app(tmp_path: Path) -> None:
    home = str(tmp_path)
    async with started(
        "dev", "benchmarks.services:app", "--no-ui", home=home, health_port="0", queues="search"
    ) as dev:
        await dev.ready()
        assert (await dev.get("/health"))[1]["queues"] == ["holdfast", "holdfast-search"]
