from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.runtime import LoggingConfig

from holdfast import connect
from holdfast_activities.resilience import Resilience
from holdfast_activities.state import State, open_state
from holdfast_temporal import DevServer, probe
from holdfast_workers.monitoring import telemetry
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.errors import BreakerOpen, ModelTransient, SettingsInvalid

from .running import started

BREAKER = "provider:openai"


async def scrape(port: int) -> dict[str, float]:
    """Each metric with its labels, and its value."""
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = (await reader.read()).decode()
        writer.close()
    found = re.findall(r"^([a-z_]+(?:\{.*\})?) ([\d.e+-]+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


async def test_a_worker_serves_what_it_counts(
    server: DevServer, client: Client, task_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere, port = probe.free_ports(2)
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{nowhere}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    settings = {"temporal_address": server.address, "task_queue": task_queue, "metrics_port": str(port)}
    async with started("worker", "tests.workers.stuck:app", **settings) as running:
        await running.said("worker started")
        sessions = await connect(server.address, task_queue=task_queue)
        async with asyncio.timeout(60):
            with pytest.raises(ModelTransient):
                await sessions.run("stuck", "Hello?")
        found = await scrape(port)
        said = await running.said("attempt 1 of 3")
    assert found['holdfast_retries_total{operation="model:openai"}'] == 2
    assert found[f'holdfast_breaker_state{{breaker="{BREAKER}"}}'] == 0
    assert any(name.startswith("temporal_") for name in found)
    assert '"retry": {' in said


@pytest.fixture
async def state(tmp_path: Path) -> State:
    return await open_state(f"sqlite:///{tmp_path / 'state.db'}")


async def test_a_breaker_that_opens_is_seen(state: State) -> None:
    [port] = probe.free_ports(1)
    settings = Settings.load(metrics_port=port)
    runtime = telemetry.make_runtime(settings, LoggingConfig.default)
    resilience = Resilience(state, runtime.metric_meter)
    breakers = resilience.breakers
    for _ in range(5):
        await breakers.failed(await breakers.admit(BREAKER), "503")
    for _ in range(2):
        with pytest.raises(BreakerOpen):
            await breakers.admit(BREAKER)
    resilience.meters.waited("breaker")
    found = await scrape(port)
    assert found[f'holdfast_breaker_state{{breaker="{BREAKER}"}}'] == 2
    assert found[f'holdfast_breaker_openings_total{{breaker="{BREAKER}"}}'] == 1
    assert found[f'holdfast_refusals_total{{by="{BREAKER}"}}'] == 2
    assert found['holdfast_waits_total{kind="breaker"}'] == 1
    await resilience.close()
    await state.close()


def test_a_port_that_is_taken_and_a_host_that_is_none_are_settings_to_correct() -> None:
    [port] = probe.free_ports(1)
    settings = Settings.load(metrics_port=port)
    first = telemetry.make_runtime(settings, LoggingConfig.default)
    with pytest.raises(SettingsInvalid, match=f"HOLDFAST_METRICS_PORT: 127.0.0.1:{port}: .*in use"):
        telemetry.make_runtime(settings, LoggingConfig.default)
    with pytest.raises(SettingsInvalid, match="HOLDFAST_METRICS_PORT"):
        telemetry.make_runtime(
            Settings.load(metrics_port=port, metrics_host="nowhere"), LoggingConfig.default
        )
    del first  # it held the port until here


def test_without_a_port_nothing_is_counted() -> None:
    runtime = telemetry.make_runtime(Settings.load(), LoggingConfig.default)
    runtime.metric_meter.create_counter("holdfast_retries").add(1)
