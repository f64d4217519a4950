"""A worker loads only the libraries that its settings need."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from holdfast_activities.state import upgrade
from holdfast_temporal import DevServer

# Starts a worker in this process, as the command does, and lists what is loaded once it polls.
_SCRIPT = """
import asyncio, sys
from holdfast import Agent, App
from holdfast_workers.process import WorkerProcess
from holdfast_workers.settings import Settings

async def main():
    agent = Agent("light", model="openai:gpt")
    worker = WorkerProcess(App(agents=[agent]).registry(), Settings.load())
    running = asyncio.create_task(worker.run())
    while worker._health.phase != "running":
        await asyncio.sleep(0.02)
        assert not running.done(), running.result()
    print(*sys.modules)

asyncio.run(main())
"""

_NOT_NEEDED = {
    "alembic",
    "asyncpg",
    "genai_prices",
    "httpx",
    "jsonschema",
    "numpy",
    "opentelemetry",
    "pydantic_ai",
    "pydantic_settings",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "stopwordsiso",
    "structlog",
    "weaviate",
}


async def test_an_idle_worker_on_sqlite_loads_no_library_that_it_does_not_need(
    server: DevServer, task_queue: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    await upgrade(url)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    environment |= {
        "HOLDFAST_TEMPORAL_ADDRESS": server.address,
        "HOLDFAST_TASK_QUEUE": task_queue,
        "HOLDFAST_STATE_URL": url,
        "HOLDFAST_HOME": str(tmp_path),
        "OPENAI_API_KEY": "sk-test",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SCRIPT, env=environment, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(60):
        out, errors = await process.communicate()
    loaded = set(out.decode().split())
    assert "temporalio.worker" in loaded, errors.decode()
    assert not loaded & _NOT_NEEDED
