from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.request import urlopen

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from holdfast import connect
from holdfast.testing import ScriptedModel, call
from holdfast_activities.state import upgrade
from holdfast_temporal import DevServer, probe
from holdfast_workers.probe import checks
from holdfast_workers.probe.prober import ProbeOptions, Prober
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import (
    BadInput,
    ServiceError,
    SettingsInvalid,
    StateUnavailable,
    UnknownAgent,
)
from holdfast_workflows.contracts.operations.instruments import TABLE
from tests.activities.state.test_processes import process
from tests.workers.running import Running, started

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(port: int) -> Samples:
    """The samples of the page, parsed by the Prometheus client."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as page:
        text = page.read().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def until(port: int, name: str, wanted: float, **labels: str) -> Samples:
    """The samples, once one of them has the value that is wanted."""
    found = Samples()
    try:
        async with asyncio.timeout(60):
            while found.get((name, frozenset(labels.items()))) != wanted:
                await asyncio.sleep(0.05)
                found = await asyncio.to_thread(read, port)
    except TimeoutError:
        raise AssertionError(f"never {name} {labels} = {wanted}, but: {found}") from None
    return found


async def checked_again(port: int) -> None:
    """Wait until the state database was checked twice."""

    def checks() -> float:
        return sum(
            value
            for (name, labels), value in read(port).items()
            if name == "holdfast_probe_checks_total" and ("target", "state") in labels
        )

    async with asyncio.timeout(60):
        begun = now = await asyncio.to_thread(checks)
        while now < begun + 2:
            await asyncio.sleep(0.05)
            now = await asyncio.to_thread(checks)


@pytest.fixture
async def worker(
    server: DevServer, task_queue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Running]:
    """A worker whose model asks for a payment."""
    async with ScriptedModel(lambda _: call("pay")) as model:
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        monkeypatch.setenv("OPENAI_BASE_URL", model.openai_url)
        settings = {"temporal_address": server.address, "task_queue": task_queue, "home": str(tmp_path)}
        async with started("worker", "tests.workers.probe.app:app", health_port="0", **settings) as running:
            await running.ready()
            yield running


async def test_the_probe_reports_a_deployment_and_outlives_its_worker(
    server: DevServer, worker: Running, task_queue: str, tmp_path: Path
) -> None:
    address = (await worker.said("/metrics at http://")).split("http://")[1].split('"')[0]
    options = ProbeOptions(port=0, workers=(f"http://{address}",), every=0.1, figures_every=0.2)
    settings = Settings.load(temporal_address=server.address, task_queue=task_queue, home=tmp_path)
    target = f"worker:{address}"
    async with Prober(options, settings).running() as port:
        await until(port, "holdfast_probe_up", 1, target=target)
        client = await connect(server.address, task_queue=task_queue)
        await client.start("clerk", "Pay it.")
        found = await until(port, "holdfast_inbox_items", 1, kind="approval")
        assert value(found, "holdfast_inbox_oldest_seconds", kind="approval") > 0
        assert value(found, "holdfast_queue_pollers", queue=task_queue, kind="activity") == 1
        assert value(found, "holdfast_state_bytes") > 10_000
        assert value(found, "holdfast_cost_forecast_dollars") >= 0
        await until(port, "holdfast_sessions", 1, agent="clerk", status="needs_person")
        worker.process.kill()
        found = await until(port, "holdfast_probe_up", 0, target=target)
        assert value(found, "holdfast_probe_checks_total", target=target, outcome="failed") >= 1
        assert value(found, "holdfast_probe_up", target="temporal") == 1
        assert value(found, "holdfast_probe_up", target="state") == 1
    for name, labels in found:
        assert (TABLE[name].source, {key for key, _ in labels}) == ("probe", set(TABLE[name].labels))


async def test_the_probe_follows_the_workers_of_a_file_store_and_keeps_none_out(
    server: DevServer, task_queue: str, tmp_path: Path
) -> None:
    url = f"file:{tmp_path / 'state'}"
    await upgrade(url)
    settings = Settings.load(
        temporal_address=server.address, task_queue=task_queue, home=tmp_path, state_url=url
    )
    options = ProbeOptions(port=0, every=0.1, figures_every=60.0)
    async with Prober(options, settings).running() as port:
        await until(port, "holdfast_probe_up", 0, target="state")
        for _ in range(2):  # each makes an index of its own
            with process("append.py", url, "s", 0, 0, "mine") as worker:
                assert worker.stdout is not None
                assert await asyncio.to_thread(worker.stdout.readline) == "ready\n"
                await checked_again(port)
                await until(port, "holdfast_probe_up", 1, target="state")
    assert not (tmp_path / "memory.db").exists()


async def test_a_worker_counts_passed_deadlines_and_refused_starts(
    server: DevServer, worker: Running, task_queue: str
) -> None:
    port = int(
        (await worker.said("/metrics at http://")).split("http://")[1].split('"')[0].rpartition(":")[2]
    )
    client = await connect(server.address, task_queue=task_queue)
    with pytest.raises(UnknownAgent):
        await client.run("nobody", "Pay it.")
    reply = await (await client.start("hurried", "Pay it.")).wait(raise_on_error=False)
    assert reply.status == "cancelled"
    common = {"namespace": "default", "task_queue": task_queue, "workflow_type": names.WORKFLOW}
    found = await until(port, "holdfast_inbox_overdue_total", 2, kind="approval", **common)
    assert value(found, "holdfast_requests_total", operation="start", outcome="refused", **common) == 1
    assert value(found, "holdfast_requests_total", operation="start", outcome="ok", **common) == 1


def value(found: Samples, name: str, **labels: str) -> float:
    """One sample."""
    return found[name, frozenset(labels.items())]


async def test_a_target_that_hangs_or_fails_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_SECONDS", 0.05)

    async def fails() -> None:
        raise StateUnavailable("gone")

    async def works() -> None:
        """Answer."""

    each = checks.Checks({"hangs": asyncio.Event().wait, "fails": fails, "works": works})
    await each.run()
    up = {
        figure.labels["target"]: figure.value
        for figure in each.figures()
        if figure.name == "holdfast_probe_up"
    }
    assert up == {"hangs": 0, "fails": 0, "works": 1}


@pytest.mark.parametrize(
    ("given", "target", "url"),
    [
        ("http://one:8000", "worker:one:8000", "http://one:8000/ready"),
        ("one:8000", "worker:one:8000", "http://one:8000/ready"),
        ("https://one/health", "worker:one", "https://one/health"),
    ],
)
def test_a_worker_is_named_by_its_address_and_read_at_ready(given: str, target: str, url: str) -> None:
    assert checks.worker_target(given) == (target, url)


async def test_a_worker_that_is_gone_is_a_service_that_does_not_answer() -> None:
    [port] = probe.free_ports(1)
    async with httpx.AsyncClient() as http:
        with pytest.raises(ServiceError, match=f"127.0.0.1:{port}/ready"):
            await checks.worker_check(http, f"http://127.0.0.1:{port}/ready")()


def test_a_worker_without_a_host_is_refused() -> None:
    with pytest.raises(BadInput, match="is not a URL of a worker"):
        checks.worker_target("ftp://one")


async def test_a_port_that_is_taken_is_named_by_the_option() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = ProbeOptions(port=taken.getsockname()[1])
        with pytest.raises(SettingsInvalid, match=r"--port: 127\.0\.0\.1"):
            async with Prober(options, Settings()).running():
                pass
