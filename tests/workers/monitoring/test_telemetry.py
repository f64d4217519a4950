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
from holdfast_workers.monitoring.metrics import MetricsPage, memory_limit
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.errors import BreakerOpen, ModelTransient
from holdfast_workflows.contracts.operations.instruments import Instruments

from ..running import started

BREAKER = "provider:openai"


async def scrape(port: int) -> dict[str, float]:
    """Each metric with its labels, and its value."""
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = (await reader.read()).decode()
        writer.close()
    return samples(text)


def samples(text: str) -> dict[str, float]:
    """The samples of a page."""
    found = re.findall(r"^([a-z_]+(?:\{.*\})?) ([\d.e+-]+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


async def test_a_worker_serves_what_it_counts(
    server: DevServer, client: Client, task_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere, port = probe.free_ports(2)
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{nowhere}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    settings = {"temporal_address": server.address, "task_queue": task_queue, "health_port": str(port)}
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


@pytest.fixture
def measured() -> telemetry.Telemetry:
    """A runtime with a port for metrics."""
    return telemetry.make_runtime(Settings.load(health_port=0), LoggingConfig.default)


async def test_a_breaker_that_opens_is_seen(state: State, measured: telemetry.Telemetry) -> None:
    resilience = Resilience(state, measured.runtime.metric_meter)
    breakers = resilience.breakers
    for _ in range(5):
        await breakers.failed(await breakers.admit(BREAKER), "503")
    for _ in range(2):
        with pytest.raises(BreakerOpen):
            await breakers.admit(BREAKER)
    found = await scrape(measured.port)
    assert found[f'holdfast_breaker_state{{breaker="{BREAKER}"}}'] == 2
    assert found[f'holdfast_breaker_openings_total{{breaker="{BREAKER}"}}'] == 1
    assert found[f'holdfast_refusals_total{{by="{BREAKER}"}}'] == 2
    await resilience.close()
    await state.close()


async def test_the_page_has_the_sdks_metrics_the_process_and_the_sums(measured: telemetry.Telemetry) -> None:
    metrics = Instruments(measured.runtime.metric_meter)
    metrics.observe("holdfast_turn_seconds", 29, agent="clerk")
    metrics.observe("holdfast_turn_seconds", 31, agent="clerk")
    metrics.add("holdfast_cost_dollars_total", 0.25, agent="clerk", model="openai:gpt")
    metrics.add("holdfast_cost_dollars_total", 0.5, agent="clerk", model="openai:gpt")
    page = MetricsPage(measured.port, 'a "shop"')
    page.instruments = metrics
    found = samples((await page.render()).decode())
    assert found['holdfast_turn_seconds_bucket{agent="clerk",le="30"}'] == 1
    assert found['holdfast_turn_seconds_bucket{agent="clerk",le="45"}'] == 2
    assert found['holdfast_cost_dollars_total{agent="clerk",model="openai:gpt"}'] == 0.75
    assert found["holdfast_memory_bytes"] > 1_000_000
    assert found["holdfast_memory_limit_bytes"] > found["holdfast_memory_bytes"]
    assert found["holdfast_cpu_seconds_total"] > 0
    assert any(name.startswith("holdfast_build_info") and r"a \"shop\"" in name for name in found)


def group(folder: Path, line: str, **limits: str) -> int | None:
    """The limit in a tree of control groups; ``__`` in a name stands for a slash."""
    for name, limit in limits.items():
        file = folder.joinpath(*name.split("__"))
        file = file.with_name(file.name.replace("_max", ".max"))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{limit}\n")
    (folder / "cgroup").write_text(f"{line}\n")
    return memory_limit(folder, folder / "cgroup")


def test_the_memory_limit_is_the_lowest_of_the_containing_groups(tmp_path: Path) -> None:
    limits = {"pod__memory_max": "2000", "pod__worker__memory_max": "max"}
    assert group(tmp_path, "0::/pod/worker", **limits) == 2_000
    (tmp_path / "pod/worker/memory.max").write_text("1000\n")
    assert group(tmp_path, "0::/pod/worker") == 1_000


def test_a_limit_of_the_first_version_counts_unless_it_means_none(tmp_path: Path) -> None:
    file = tmp_path / "memory/pod/memory.limit_in_bytes"
    file.parent.mkdir(parents=True)
    file.write_text("3000\n")
    assert group(tmp_path, "5:cpu,memory:/pod") == 3_000
    file.write_text("9223372036854771712\n")
    assert group(tmp_path, "5:cpu,memory:/pod") is None


def test_without_a_port_nothing_is_counted() -> None:
    measured = telemetry.make_runtime(Settings.load(), LoggingConfig.default)
    assert measured.port == 0
    measured.runtime.metric_meter.create_counter("holdfast_retries").add(1)
