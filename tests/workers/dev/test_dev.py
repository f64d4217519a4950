from __future__ import annotations

import os
import re
import signal
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from holdfast_temporal import DevServer, connect, probe

from .. import sample
from ..running import eventually, started

APP = "tests.workers.sample:app"


def workers_of(pid: int) -> list[psutil.Process]:
    """The worker processes of a ``dev``, by its number."""
    return [each for each in psutil.Process(pid).children() if "holdfast_workers" in each.cmdline()]


async def test_dev_serves_restarts_a_worker_that_dies_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    [port, ui_port] = probe.free_ports(2)
    async with started(
        "dev", APP, "--port", str(port), "--ui-port", str(ui_port), "--workers", "2", home=str(tmp_path)
    ) as dev:
        await dev.said(f"127.0.0.1:{port}")
        await dev.said(f"http://127.0.0.1:{ui_port}")
        await eventually(lambda: dev.text.count("worker started") == 2, 60)
        first, second = workers_of(dev.process.pid)
        first.kill()
        await dev.said("a worker ended with exit code -9")
        await eventually(lambda: dev.text.count("worker started") == 3, 60)
        begun = [*workers_of(dev.process.pid), second]
        server = DevServer.find(tmp_path)
        assert server is not None
        dev.signal(signal.SIGINT)
        assert await dev.ended() == 0
        assert not any(each.is_running() for each in begun)
        assert probe.gone(server.pid)
        assert dev.text.count("worker stopped") == 2
    assert DevServer.find(tmp_path) is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_a_dev_that_ends_while_its_app_loads_leaves_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "slow.py").write_text("import time\n\ntime.sleep(300)\n")
    async with started("dev", "slow:app", cwd=tmp_path, home=str(tmp_path / "home")) as dev:
        await dev.said("loading slow:app …")
        children = workers_of(dev.process.pid)
        dev.signal(number)
        assert await dev.ended() == (0 if number == signal.SIGINT else -number)
        assert len(children) == 1
        assert not psutil.wait_procs(children, timeout=20)[1]
    assert not (tmp_path / "home").exists()


@pytest.mark.slow
async def test_a_killed_dev_leaves_nothing_that_goes_on(tmp_path: Path) -> None:
    async with started("dev", APP, "--no-ui", home=str(tmp_path)) as dev:
        await dev.said("worker started", 60)
        [worker] = workers_of(dev.process.pid)
        server = DevServer.find(tmp_path)
        assert server is not None
        dev.signal(signal.SIGKILL)
        await eventually(lambda: not worker.is_running() and probe.gone(server.pid), 40)
    assert DevServer.find(tmp_path) is None


async def test_dev_starts_nothing_for_an_app_that_cannot_be_loaded(tmp_path: Path) -> None:
    async with started("dev", "nowhere:app", "--no-ui", home=str(tmp_path / "home")) as dev:
        assert await dev.ended(60) == 2
        assert len(dev.lines) == 1
        assert "no module 'nowhere'" in dev.text
    assert not (tmp_path / "home").exists()


async def test_dev_refuses_settings_that_its_server_cannot_serve(tmp_path: Path) -> None:
    async with started("dev", APP, home=str(tmp_path / "home"), api_key="k", namespace="n") as dev:
        assert await dev.ended(60) == 2
        assert len(dev.lines) == 1
        assert "HOLDFAST_API_KEY, HOLDFAST_NAMESPACE: the embedded server has no" in dev.text
    assert not (tmp_path / "home").exists()


async def test_dev_tells_what_it_serves_and_what_to_type_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    away = {"home": str(tmp_path), "temporal_address": "far:7233"}
    async with started("dev", "tests.workers.deployed:after", "--no-ui", **away) as dev:
        await dev.said("commands in this environment reach that server")
        server = DevServer.find(tmp_path)
        assert server is not None
        for words in (
            "agents    clerk    openai:scripted",
            "cashier  openai:scripted",
            "            openai:scripted needs a key; set OPENAI_API_KEY",
            f"Temporal  {server.address}, task queue holdfast-deployed",
            f"state     sqlite:///{tmp_path}/state.db",
            "next      holdfast chat clerk",
        ):
            assert words in dev.text
        dev.signal(signal.SIGTERM)
        assert await dev.ended() == 0


@pytest.mark.slow
async def test_dev_says_when_its_server_died(tmp_path: Path) -> None:
    async with started("dev", APP, "--no-ui", home=str(tmp_path)) as dev:
        await dev.said("worker started", 60)
        server = DevServer.find(tmp_path)
        assert server is not None
        os.killpg(server.pid, signal.SIGKILL)
        assert await dev.ended(60) == 3
        assert re.search(r"holdfast: .*ended unexpectedly: .*temporal\.log; sessions are kept", dev.text)


@pytest.mark.slow
async def test_the_state_database_is_upgraded_by_a_command(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'fresh.db'}"
    async with started("state", "upgrade", "--url", url) as running:
        assert await running.ended() == 0
    assert (tmp_path / "fresh.db").exists()
    async with started("state", "upgrade", state_url="mysql://x") as running:
        assert await running.ended() == 2
        assert len(running.lines) == 1


@pytest.mark.slow
async def test_a_second_ctrl_c_ends_running_calls_and_leaves_nothing(tmp_path: Path) -> None:
    async with started("dev", APP, "--no-ui", home=str(tmp_path)) as dev:
        await dev.said("worker started")
        server = DevServer.find(tmp_path)
        assert server is not None
        client = await connect(server.address)
        await client.start_activity(
            sample.job,
            sample.Job(name="long", folder=tmp_path),
            id="long",
            task_queue="holdfast",
            start_to_close_timeout=timedelta(seconds=600),
        )
        await eventually((tmp_path / "notes").exists)
        children = psutil.Process(dev.process.pid).children(recursive=True)
        dev.signal(signal.SIGINT)
        await dev.said("press Ctrl-C again")
        dev.signal(signal.SIGINT)
        assert await dev.ended() == 130
        assert not psutil.wait_procs(children, timeout=20)[1]
        assert "Traceback" not in dev.text


@pytest.mark.slow
async def test_several_workers_on_a_file_store_are_refused(tmp_path: Path) -> None:
    async with started(
        "dev", APP, "--no-ui", "--workers", "2", home=str(tmp_path), state_url=f"file:{tmp_path / 'state'}"
    ) as dev:
        assert await dev.ended(60) == 2
        assert "serves one worker; use --workers 1" in dev.text
