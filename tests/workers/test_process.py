from __future__ import annotations

import asyncio
import signal
import uuid
from collections import Counter
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import ActivityHandle, Client
from temporalio.common import RetryPolicy

from holdfast_temporal import DevServer, probe

from . import sample
from .running import Running, eventually
from .running import started_new as started

APP = "tests.workers.sample:app"


def worker(server: DevServer, task_queue: str, **settings: str) -> AbstractAsyncContextManager[Running]:
    return started(
        "worker",
        APP,
        temporal_address=server.address,
        task_queue=task_queue,
        health_port="0",
        **settings,
    )


async def begin(client: Client, task_queue: str, folder: Path, count: int) -> list[ActivityHandle[str]]:
    """Start jobs and wait until all have begun."""
    handles = [
        await client.start_activity(
            sample.job,
            sample.Job(name=f"job-{n}", folder=folder),
            id=uuid.uuid4().hex,
            task_queue=task_queue,
            start_to_close_timeout=timedelta(seconds=60),
            heartbeat_timeout=timedelta(seconds=3),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100)),
        )
        for n in range(count)
    ]
    await eventually(lambda: notes(folder)["begun 1"] == count)
    return handles


def notes(folder: Path) -> Counter[str]:
    """How often each thing was noted."""
    file = folder / "notes"
    lines = file.read_text().splitlines() if file.exists() else []
    return Counter(line.partition(" ")[2] for line in lines)


async def test_sigterm_lets_twenty_calls_finish_and_loses_none(
    server: DevServer, client: Client, task_queue: str, tmp_path: Path
) -> None:
    async with worker(server, task_queue) as running:
        await running.ready()
        handles = await begin(client, task_queue, tmp_path, 20)
        running.signal(signal.SIGTERM)
        await running.said("worker stopping")
        status, body = await running.get("/ready")
        assert (status, body["worker"], body["temporal"]) == (503, "stopping", "ok")
        assert (await running.get("/health"))[0] == 200
        (tmp_path / "go").touch()
        assert await running.ended() == 0
    async with asyncio.timeout(30):
        assert [await handle.result() for handle in handles] == ["1"] * 20
    assert notes(tmp_path) == {"begun 1": 20, "ended 1": 20}


@pytest.mark.slow
async def test_without_grace_the_calls_are_cut_off_and_done_again_by_another_worker(
    server: DevServer, client: Client, task_queue: str, tmp_path: Path
) -> None:
    async with worker(server, task_queue, graceful_seconds="0") as first:
        await first.ready()
        handles = await begin(client, task_queue, tmp_path, 20)
        first.signal(signal.SIGTERM)
        assert await first.ended() == 0
    assert notes(tmp_path)["ended 1"] == 0
    (tmp_path / "go").touch()
    async with worker(server, task_queue) as second:
        async with asyncio.timeout(60):
            assert {await handle.result() for handle in handles} == {"2"}
        second.signal(signal.SIGINT)
        assert await second.ended() == 0


@pytest.mark.slow
async def test_a_second_signal_ends_the_process_at_once(
    server: DevServer, client: Client, task_queue: str, tmp_path: Path
) -> None:
    async with worker(server, task_queue) as running:
        await running.ready()
        await begin(client, task_queue, tmp_path, 1)
        running.signal(signal.SIGTERM)
        await running.said("worker stopping")
        running.signal(signal.SIGTERM)
        assert await running.ended(30) == 128 + signal.SIGTERM


@pytest.mark.slow
async def test_a_call_that_ignores_its_cancellation_does_not_keep_the_process(
    server: DevServer, client: Client, task_queue: str, tmp_path: Path
) -> None:
    async with worker(server, task_queue, graceful_seconds="0.1") as running:
        await running.ready()
        await client.start_activity(
            sample.stubborn,
            sample.Job(name="job", folder=tmp_path),
            id=uuid.uuid4().hex,
            task_queue=task_queue,
            start_to_close_timeout=timedelta(seconds=60),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )
        await eventually(lambda: notes(tmp_path)["begun"] == 1)
        running.signal(signal.SIGTERM)
        assert await running.ended(40) == 1
        assert "abandoned" in running.text


@pytest.mark.slow
async def test_when_one_of_two_workers_is_killed_the_other_goes_on(
    server: DevServer, client: Client, task_queue: str, tmp_path: Path
) -> None:
    async with worker(server, task_queue) as first, worker(server, task_queue) as second:
        await asyncio.gather(first.ready(), second.ready())
        handles = await begin(client, task_queue, tmp_path, 8)
        first.signal(signal.SIGKILL)
        await first.ended()
        (tmp_path / "go").touch()
        async with asyncio.timeout(60):
            assert {await handle.result() for handle in handles} <= {"1", "2", "3"}
        assert (await second.get("/health"))[1]["worker"] == "running"


@pytest.mark.slow
async def test_a_worker_waits_for_a_server_that_comes_up_later(tmp_path: Path, task_queue: str) -> None:
    [port] = probe.free_ports(1)
    address = f"127.0.0.1:{port}"
    async with started(
        "worker", APP, temporal_address=address, task_queue=task_queue, health_port="0"
    ) as running:
        await running.said("connection refused")
        body = await running.ready(503)
        assert body == {
            "ok": False,
            "worker": "starting",
            "temporal": "not connected yet",
            "state": "not connected yet",
        }
        async with DevServer(tmp_path, memory=True, ui=False, port=port):
            assert (await running.ready())["temporal"] == "ok"
        body = await running.ready(503)
        assert body["temporal"] != "ok"
        assert body["state"] == "ok"
        assert (await running.get("/health"))[0] == 200


@pytest.mark.slow
async def test_a_worker_waits_for_its_state_database_and_can_be_stopped_meanwhile(
    server: DevServer, task_queue: str
) -> None:
    [port] = probe.free_ports(1)
    async with worker(server, task_queue, state_url=f"postgresql://u:p@127.0.0.1:{port}/d") as running:
        await running.said("Trying again")
        body = await running.ready(503)
        assert (body["temporal"], body["state"]) == ("ok", "not connected yet")
        running.signal(signal.SIGTERM)
        assert await running.ended(40) == 0


async def test_a_bad_name_is_one_line_and_exit_code_two() -> None:
    async with started("worker", "nowhere:app") as running:
        assert await running.ended() == 2
        [line] = running.lines
        assert line.startswith("holdfast: No App was found;")
        assert "no module 'nowhere'" in line


async def test_an_unknown_namespace_is_one_line_and_exit_code_two(server: DevServer) -> None:
    async with started("worker", APP, temporal_address=server.address, namespace="nowhere") as running:
        assert await running.ended() == 2
        assert "HOLDFAST_NAMESPACE" in running.lines[-1]
