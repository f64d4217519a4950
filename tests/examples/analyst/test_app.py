"""The whole analyst: its agent on a worker of its own, its model over HTTP, a real Temporal server."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from examples.analyst.app import OFFLINE, QUESTION, SAMPLE
from examples.analyst.offline import make_script
from holdfast import connect
from holdfast.testing import ScriptedModel
from holdfast_temporal import DevServer

from .driving import drive

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def worker(settings: dict[str, str]) -> AsyncGenerator[None]:
    """A worker process for the example, ended with the context."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "holdfast_workers",
        "examples.analyst.app:app",
        cwd=ROOT,
        env={**os.environ, **settings, "HOLDFAST_GRACEFUL_SECONDS": "1"},
    )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        async with asyncio.timeout(30):
            await process.wait()


@pytest.mark.slow
async def test_the_analyst_answers_as_an_agent_of_a_worker(
    tmp_path: Path, server: DevServer, task_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_TEMPORAL_ADDRESS", server.address)
    monkeypatch.setenv("HOLDFAST_TASK_QUEUE", task_queue)
    async with ScriptedModel(make_script(pace=0, delay=0)) as model:
        settings = {
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": model.openai_url,
            "ANALYST_MODEL": OFFLINE,
            "ANALYST_REPORTS": str(tmp_path / "agent"),
        }
        async with worker(settings), asyncio.timeout(90):
            client = await connect()
            answer = await client.run("analyst", QUESTION)
    direct = await drive(QUESTION, SAMPLE, tmp_path / "direct")
    assert answer == direct.answer
    for name in ("report.md", "chart.png"):
        assert (tmp_path / "agent" / name).read_bytes() == (tmp_path / "direct" / name).read_bytes()
