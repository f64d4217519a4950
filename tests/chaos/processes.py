"""The processes of a scenario: Temporal, model, ledger and workers."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.steps.processes import Process, python
from holdfast_client import Client
from holdfast_client.requests.requests import Requests
from holdfast_temporal import DevServer, connect, probe

from ..workers.running import eventually
from .app import CARELESS, LEDGER
from .script import WITNESS

QUEUE = "chaos"


@dataclass(frozen=True)
class Options:
    """Options of a scenario.

    Attributes:
        seed: Seed of all random choices.
        runs: How many runs.
        workers: How many worker processes.
        url: The state database; a SQLite file by default.
        at_once: How many runs are in flight.
        heartbeat_timeout: Seconds after which a worker counts as lost.
        timed: Whether targets in seconds are judged.
    """

    seed: int = 1
    runs: int = 60
    workers: int = 3
    url: str = ""
    at_once: int = 60
    heartbeat_timeout: float = 5.0
    timed: bool = True


@dataclass(frozen=True)
class Kill:
    """A killed process and the time of the kill."""

    pid: int
    at: float


@dataclass(frozen=True)
class Worker:
    """A worker process, its log, and the stack that ends it."""

    process: Process
    log: Path
    stack: AsyncExitStack

    @property
    def serves(self) -> bool:
        """Whether it takes work."""
        return "worker started" in self.log.read_text()


@dataclass
class Fleet:
    """The workers. A killed worker is replaced immediately.

    Attributes:
        home: Where their logs are.
        count: How many there are.
        environment: Their variables.
        dice: Chooses the worker to kill.
        kills: The kills so far.
        spared: Number of skipped kills: all other workers were still starting.
    """

    home: Path
    count: int
    environment: Mapping[str, str]
    dice: random.Random
    kills: list[Kill] = field(default_factory=list[Kill])
    spared: int = 0
    _workers: list[Worker] = field(default_factory=list[Worker], repr=False)
    _started: int = 0

    async def __aenter__(self) -> Fleet:
        self._workers = [await self._start() for _ in range(self.count)]
        await eventually(lambda: all(each.serves for each in self._workers), 60)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(each.stack.aclose() for each in self._workers))

    async def kill(self) -> None:
        """Send SIGKILL to a random worker that takes work, and start another.

        The only worker that takes work is spared; on a slow machine there would never be one.

        Raises:
            RuntimeError: The worker had already ended without a kill.
        """
        serving = [place for place, each in enumerate(self._workers) if each.serves]
        if len(serving) < 2:
            self.spared += 1
            return
        place = self.dice.choice(serving)
        victim = self._workers[place]
        try:
            os.kill(victim.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            raise RuntimeError(f"a worker ended without a kill: {victim.log.read_text()[-2_000:]}") from None
        self.kills.append(Kill(victim.process.pid, time.time()))
        self._workers[place] = await self._start()
        await victim.stack.aclose()

    async def _start(self) -> Worker:
        self._started += 1
        stack, log = AsyncExitStack(), self.home / f"worker-{self._started}.log"
        careless = self.environment[CARELESS] not in ("", "retries")
        module = ("tests.chaos.careless",) if careless else ("holdfast_workers", "tests.chaos.app:app")
        started = python("-m", *module, log=log, **self.environment)
        return Worker(await stack.enter_async_context(started), log, stack)


@dataclass(frozen=True)
class World:
    """The running processes. ``home`` holds their files."""

    options: Options
    home: Path
    server: DevServer
    session_requests: Requests
    client: Client
    fleet: Fleet
    model_url: str
    ledger_url: str

    @property
    def requests(self) -> Path:
        """The model's list of requests."""
        return self.home / "requests.jsonl"

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.home / "ledger.db"

    async def kill_server(self) -> None:
        """Send SIGKILL to Temporal, and start it again on its file and port."""
        os.killpg(self.server.info.pid, signal.SIGKILL)
        await eventually(lambda: not probe.listens(self.server.address))
        await self.server.start()


@asynccontextmanager
async def world(
    options: Options,
    *,
    script: str = "tests.chaos.script:script",
    careless: str = "",
    memory: bool = False,
    environment: Mapping[str, str] | None = None,
) -> AsyncGenerator[World]:
    """Everything up; gone after the block.

    Args:
        options: How the scenario is run.
        script: What the model says.
        careless: The protection that is off.
        memory: Have Temporal keep nothing on disk.
        environment: Further variables for the workers.
    """
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hf-chaos-")))
        server_port, model_port, ledger_port = probe.free_ports(3)
        server = DevServer(home / "temporal", ui=False, port=server_port, memory=memory)
        await stack.enter_async_context(server)
        ledger = ("-m", "tests.chaos.ledger", str(ledger_port), str(home / "ledger.db"))
        await stack.enter_async_context(python(*ledger, log=home / "ledger.log"))
        model = ("-m", "holdfast.testing.model", "--script", script, "--port", str(model_port))
        witness = home / "requests.jsonl"
        witness.touch()
        await stack.enter_async_context(python(*model, log=home / "model.log", **{WITNESS: str(witness)}))
        urls = [f"http://127.0.0.1:{port}" for port in (model_port, ledger_port)]
        await eventually(lambda: all(probe.listens(url.removeprefix("http://")) for url in urls))
        variables = {
            "HOLDFAST_TEMPORAL_ADDRESS": server.address,
            "HOLDFAST_TASK_QUEUE": QUEUE,
            "HOLDFAST_HOME": str(home / "workers"),
            "HOLDFAST_GRACEFUL_SECONDS": "3",
            "HOLDFAST_STATE_URL": options.url,
            "OPENAI_BASE_URL": f"{urls[0]}/v1",
            "OPENAI_API_KEY": "chaos",
            "ANTHROPIC_BASE_URL": urls[0],
            "ANTHROPIC_API_KEY": "chaos",
            LEDGER: urls[1],
            CARELESS: careless,
            **(environment or {}),
        }
        fleet = Fleet(home, options.workers, variables, random.Random(f"{options.seed}/kills"))
        await stack.enter_async_context(fleet)
        requests = Requests(await connect(server.address), QUEUE, timeout=30)
        yield World(options, home, server, requests, Client(requests), fleet, *urls)
