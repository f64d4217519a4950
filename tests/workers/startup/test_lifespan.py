"""A worker process enters the App's lifespan before it takes work and leaves it after its last call."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from holdfast import connect
from holdfast.testing import ScriptedModel, call, say
from holdfast_temporal import DevServer

from ..running import eventually, started

APP = "tests.workers.lifespans"


async def test_a_worker_leaves_the_lifespan_after_its_last_call(
    server: DevServer, task_queue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    monkeypatch.setenv("NOTES", str(notes))
    async with ScriptedModel([call("work"), say("Done.")]) as model:
        monkeypatch.setenv("OPENAI_BASE_URL", model.openai_url)
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        settings = {"temporal_address": server.address, "task_queue": task_queue, "health_port": "0"}
        async with started("worker", f"{APP}:app", **settings) as running:
            await running.ready()
            assert notes.read_text() == "entered with worker\n"
            client = await connect(server.address, task_queue=task_queue)
            await client.start("worker", "Go.")
            await eventually(lambda: "work begun" in notes.read_text())
            running.signal(signal.SIGTERM)
            await running.said("worker stopping")
            (tmp_path / "go").touch()
            assert await running.ended() == 0
    assert notes.read_text().splitlines()[-2:] == ["work ended, open: True", "left"]


async def test_a_failing_lifespan_ends_the_worker_with_one_line(server: DevServer, task_queue: str) -> None:
    settings = {"temporal_address": server.address, "task_queue": task_queue}
    async with started("worker", f"{APP}:broken", **settings) as running:
        said = await running.said("holdfast: ")
        assert await running.ended() == 1
    assert said.startswith("holdfast: The App's lifespan raised an error, so the worker ends")
    assert "Traceback" not in running.text
    assert "worker started" not in running.text
    assert re.search(
        r"at the start: .*lifespans.py:\d+: ConnectionRefusedError: no database at db:5432", said
    )


async def test_a_lifespan_that_fails_at_its_end_fails_the_process(server: DevServer, task_queue: str) -> None:
    settings = {"temporal_address": server.address, "task_queue": task_queue}
    async with started("worker", f"{APP}:broken_end", **settings) as running:
        await running.said("worker started")
        running.signal(signal.SIGTERM)
        assert await running.ended() == 1
    assert "(at the end: " in running.text
    assert "the pool is gone" in running.text
