"""One server, one scripted model and one worker process for each system, all up at once."""

import asyncio
import json
import tempfile
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client as TemporalClient

from holdfast.testing import ScriptedModel
from holdfast_client import Client, connect
from holdfast_temporal import DevServer
from holdfast_temporal import connect as connect_temporal

from .app import FAR, TENANT
from .cases import System, Workload
from .floor import FloorWorkflow
from .processes import Process, python

_AGENTS = {
    "ordinary": "ordinary",
    "bursts": "burst",
    "large results": "ordinary",
    "ordinary, guarded": "ordinary-guarded",
    "bursts, guarded": "burst-guarded",
}
_TOOLS = {
    "ordinary": "look",
    "bursts": "peek",
    "large results": "scan",
    "ordinary, guarded": "keep",
    "bursts, guarded": "peek",
}
_LONGEST = 1_800.0  # seconds


@dataclass(frozen=True)
class Rig:
    """What a benchmark works with. ``workers`` holds a process for each floor and one of Holdfast."""

    temporal: TemporalClient
    client: Client
    server: Process
    model: Process
    workers: dict[str, Process]

    def worker(self, system: System) -> Process:
        """The worker process of a system."""
        return self.workers.get(system, self.workers["holdfast"])

    async def run(self, system: System, work: Workload) -> str:
        """One run from its start to its last word; its workflow's id.

        Raises:
            RuntimeError: It ended otherwise than the script has it.
        """
        id = uuid.uuid4().hex
        kind = system.removesuffix(", watched")
        prompt = f"bench {id} steps={work.steps} calls={work.calls} tool={_TOOLS.get(kind, 'look')}"
        async with asyncio.timeout(_LONGEST):
            if kind not in _AGENTS:
                said = await self.temporal.execute_workflow(
                    FloorWorkflow.run, prompt, id=id, task_queue=system
                )
            elif kind != system:
                said = await self._watched(_AGENTS[kind], prompt, id)
            else:
                tenant = TENANT if kind.endswith(", guarded") else ""
                said = await self.client.run(_AGENTS[kind], prompt, id=id, tenant=tenant)
        if said != "Done.":
            raise RuntimeError(f"{system}: the run ended with {said!r}")
        return id

    async def _watched(self, agent: str, prompt: str, id: str) -> str:
        """A run whose every event is read while it goes on, and its text while the model speaks."""
        session = await self.client.start_task(agent, prompt, id=id, streaming=True)
        async for _ in session.stream():
            pass
        return (await session.result()).text


def _limited(url: str) -> str:
    """The scripted model a second time, as a provider with rate limits."""
    limits = {"requests_per_minute": FAR, "tokens_per_minute": FAR}
    return json.dumps({"limited": {"kind": "openai", "base_url": url, **limits}})


@asynccontextmanager
async def rig() -> AsyncGenerator[Rig]:
    """Everything up, on the file-backed server that ``holdfast dev`` runs; gone after the block."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-bench-")))
        server = await stack.enter_async_context(DevServer(home, ui=False))
        model = stack.enter_context(ScriptedModel.spawn("benchmarks.script:script"))
        temporal = await connect_temporal(server.address)
        workers: dict[str, Process] = {}
        for floor, flag in (("floor", ""), ("floor, unsandboxed", "unsandboxed")):
            database = str(home / f"{flag or 'floor'}.db")
            arguments = ("-m", "benchmarks.floor", server.address, floor, database, model.openai_url, flag)
            workers[floor] = await stack.enter_async_context(
                python(*arguments, log=home / f"{flag or 'floor'}.log")
            )
        workers["holdfast"] = await stack.enter_async_context(
            python(
                *("-m", "holdfast_workers", "benchmarks.app:app"),
                log=home / "holdfast.log",
                HOLDFAST_TEMPORAL_ADDRESS=server.address,
                HOLDFAST_HOME=str(home / "holdfast"),
                OPENAI_BASE_URL=model.openai_url,
                OPENAI_API_KEY="bench",
                HOLDFAST_PROVIDERS=_limited(model.openai_url),
            )
        )
        client = await connect(temporal=temporal, task_queue="holdfast", timeout=60)
        yield Rig(temporal, client, Process(server.info.pid), Process(model.pid), workers)
