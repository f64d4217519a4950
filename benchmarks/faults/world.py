"""A deployment with a worker and a scripted model, and commands as an operator types them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from holdfast import Client, connect
from holdfast.testing import Reply, Request, ScriptedModel, call, say
from holdfast_temporal import DevServer

APP = "benchmarks.faults.app:app"
HOLDFAST = str(Path(sys.executable).with_name("holdfast"))


@dataclass
class World:
    """The deployment. ``replies`` are by the words of the user's message."""

    folder: Path
    environment: dict[str, str]
    client: Client
    workers: list[Process] = field(default_factory=list[Process])

    async def operate(
        self, *words: str, build: Sequence[str] = (HOLDFAST,), **settings: str
    ) -> tuple[str, float]:
        """Run a command of a build; return its output, and the seconds it took."""
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *build, *words,
            env={**self.environment, **settings}, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
        return " ".join(output.decode().split()), time.monotonic() - began

    async def add_worker(self) -> Process:
        """Start one more worker."""
        with (self.folder / "worker.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                HOLDFAST, "worker", APP,
                env=self.environment, stdin=DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.workers.append(process)
        return process

    async def end_workers(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End all workers."""
        for process in self.workers:
            if process.returncode is None:
                process.send_signal(number)
            await process.wait()
        self.workers.clear()


def answer(request: Request) -> Reply:
    """What the scripted model replies."""
    if request.results:
        return say("Done.")
    if "refund" in request.conversation:
        return call("refund", {"order": 42})
    if "search" in request.conversation:
        return call("search", {"words": "lamps"})
    return say("Hello.")


@asynccontextmanager
async def deployed(folder: Path) -> AsyncGenerator[World]:
    """Run the deployment until the end of the block."""
    async with (
        DevServer(folder / "temporal", memory=True, ui=False) as server,
        ScriptedModel(answer) as model,
    ):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
        environment |= {
            "HOLDFAST_TEMPORAL_ADDRESS": server.address,
            "HOLDFAST_NAMESPACE": "default",
            "HOLDFAST_HOME": str(folder),
            "HOLDFAST_LOG_FORMAT": "json",
            "OPENAI_API_KEY": "test",
            "OPENAI_BASE_URL": model.openai_url,
        }
        client = await connect(server.address, task_queue="holdfast-faults")
        world = World(folder, environment, client)
        try:
            await world.add_worker()
            await client.run("clerk", "Hello")
            yield world
        finally:
            await world.end_workers()
