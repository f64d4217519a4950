"""One server, one scripted model, one worker process for each floor, and two for Holdfast."""

import asyncio
import json
import re
import tempfile
import uuid
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client as TemporalClient

from holdfast.testing import ScriptedModel
from holdfast_client import Client, connect
from holdfast_temporal import DevServer
from holdfast_temporal import connect as connect_temporal

from .app import FAR, PRICES, TENANT
from .cases import System, Worker, Workload
from .floor import FloorWorkflow
from .observing import Collector, collecting, scraping
from .processes import Process, python

_AGENTS = {
    "ordinary": "ordinary",
    "inline": "inline",
    "large results": "ordinary",
    "ordinary, guarded": "ordinary-guarded",
    "inline, guarded": "inline-guarded",
    "ordinary, observed": "ordinary",
    "inline, observed": "inline",
}
_TOOLS = {
    "ordinary": "look",
    "inline": "peek",
    "large results": "scan",
    "ordinary, guarded": "keep",
    "inline, guarded": "peek",
    "ordinary, observed": "look",
    "inline, observed": "peek",
}
_ADDRESS = re.compile(r"/metrics at (http://[\d.:]+)")
_LONGEST = 1_800.0  # seconds for a run
_LONGEST_START = 60.0  # seconds


@dataclass(frozen=True)
class Command:
    """How a worker process is started."""

    arguments: tuple[str, ...]
    environment: dict[str, str]
    log: Path


@dataclass(frozen=True)
class Rig:
    """The clients and processes of a benchmark."""

    temporal: TemporalClient
    client: Client
    observed: Client
    server: Process
    workers: dict[Worker, Process]
    commands: dict[Worker, Command]
    collector: Collector

    def worker(self, system: System) -> Process:
        """The worker process of a system."""
        if system == "floor" or system == "floor, unsandboxed":
            return self.workers[system]
        return self.workers["holdfast, observed" if system.endswith(", observed") else "holdfast"]

    def start(self, name: Worker) -> AbstractAsyncContextManager[Process]:
        """One more worker process, for the length of the block."""
        return start(self.commands[name])

    def metrics(self) -> str:
        """The page of the observed worker's metrics; IndexError before it has said its address."""
        said = self.commands["holdfast, observed"].log.read_text()
        return f"{_ADDRESS.findall(said)[0]}/metrics"

    async def polls(self, name: Worker, process: Process) -> None:
        """Wait until the process polls its task queue."""
        request = DescribeTaskQueueRequest(namespace="default", task_queue=TaskQueue(name=name))
        async with asyncio.timeout(_LONGEST_START):
            while True:
                answer = await self.temporal.workflow_service.describe_task_queue(request)
                if any(poller.identity.startswith(f"{process.pid}@") for poller in answer.pollers):
                    return
                await asyncio.sleep(0.005)

    async def run(self, system: System, work: Workload) -> str:
        """Do one run and return its workflow id.

        Raises:
            RuntimeError: Its reply is not the script's.
        """
        id = uuid.uuid4().hex
        kind = system.removesuffix(", streaming")
        prompt = f"bench {id} steps={work.steps} calls={work.calls} tool={_TOOLS.get(kind, 'look')}"
        async with asyncio.timeout(_LONGEST):
            if kind not in _AGENTS:
                reply = await self.temporal.execute_workflow(
                    FloorWorkflow.run, prompt, id=id, task_queue=system
                )
            elif kind != system:
                reply = await self._stream(_AGENTS[kind], prompt, id)
            else:
                tenant = TENANT if kind.endswith(", guarded") else ""
                client = self.observed if kind.endswith(", observed") else self.client
                reply = await client.run(_AGENTS[kind], prompt, id=id, tenant=tenant)
        if reply != "Done.":
            raise RuntimeError(f"{system}: the run ended with {reply!r}")
        return id

    async def _stream(self, agent: str, prompt: str, id: str) -> str:
        """Do one run with streaming, read all of its events, and return its reply."""
        session = await self.client.start_task(agent, prompt, id=id, streaming=True)
        async for _ in session.stream():
            pass
        return (await session.result()).text


def _limited(url: str) -> str:
    """HOLDFAST_PROVIDERS: the scripted model as a second provider, with rate limits."""
    limits = {"requests_per_minute": FAR, "tokens_per_minute": FAR}
    return json.dumps({"limited": {"kind": "openai", "base_url": url, **limits}})


def start(command: Command) -> AbstractAsyncContextManager[Process]:
    """A worker process, for the length of the block."""
    return python(*command.arguments, log=command.log, **command.environment)


@asynccontextmanager
async def rig() -> AsyncGenerator[Rig]:
    """All processes for the length of the block, on the file-backed server that ``holdfast dev`` runs."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-bench-")))
        server = await stack.enter_async_context(DevServer(home, ui=False))
        model = stack.enter_context(ScriptedModel.spawn("benchmarks.steps.script:script"))
        temporal = await connect_temporal(server.address)
        collector = stack.enter_context(collecting())
        commands = _commands(home, server.address, model.openai_url, collector.url)
        workers: dict[Worker, Process] = {}
        for name, command in commands.items():
            workers[name] = await stack.enter_async_context(start(command))
        client = await connect(temporal=temporal, task_queue="holdfast", timeout=60)
        observed = await connect(temporal=temporal, task_queue="holdfast, observed", timeout=60)
        made = Rig(temporal, client, observed, Process(server.info.pid), workers, commands, collector)
        for name, process in workers.items():
            await made.polls(name, process)
        await stack.enter_async_context(scraping(made.metrics()))
        yield made


def _commands(home: Path, address: str, model: str, collector: str) -> dict[Worker, Command]:
    def floor(queue: Worker, flag: str) -> Command:
        name = flag or "floor"
        arguments = ("-m", "benchmarks.steps.floor", address, queue, str(home / f"{name}.db"), model, flag)
        return Command(arguments, {}, home / f"{name}.log")

    def holdfast(queue: Worker, folder: str, **more: str) -> Command:
        environment = {
            "HOLDFAST_TEMPORAL_ADDRESS": address,
            "HOLDFAST_TASK_QUEUE": queue,
            "HOLDFAST_HOME": str(home / folder),
            "OPENAI_BASE_URL": model,
            "OPENAI_API_KEY": "bench",
            "HOLDFAST_PROVIDERS": _limited(model),
            "HOLDFAST_PRICES": PRICES,
            **more,
        }
        return Command(
            ("-m", "holdfast_workers", "benchmarks.steps.app:app"), environment, home / f"{folder}.log"
        )

    return {
        "floor": floor("floor", ""),
        "floor, unsandboxed": floor("floor, unsandboxed", "unsandboxed"),
        "holdfast": holdfast("holdfast", "holdfast"),
        "holdfast, observed": holdfast(
            "holdfast, observed",
            "observed",
            HOLDFAST_HEALTH_PORT="0",
            HOLDFAST_TRACING="true",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector,
        ),
    }
