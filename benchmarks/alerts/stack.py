"""The processes of the run."""

import asyncio
import json
import os
import signal
import tempfile
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from holdfast_client import Client, connect
from holdfast_temporal import DevServer, probe
from tests.prometheus_programs import FOLDER, program
from tests.weaviate_server import WeaviateServer

from ..steps.processes import Process, python
from .app import FAULTS
from .config import Places, Replacements, write_alertmanager, write_prometheus, write_workers
from .network import Network
from .receivers import Receivers, receivers

QUEUE = "holdfast-bench"
_COMMAND = "from holdfast_client.command.main import main; main()"
_WORKERS = 2
_SLOTS = 24
_WORKFLOW_SLOTS = 12
_START = 300.0  # seconds
_EVERY = 200.0  # seconds between backups, and between runs of maintenance, at speed 1

_PRICES = {"openai:expensive": {"input": 50_000, "output": 50_000}, "openai:*": {"input": 0.1, "output": 0.1}}
"""Dollars for a million tokens: a turn of the expensive model costs more than ten dollars."""


@dataclass
class Stack:
    """The running processes.

    Attributes:
        home: Their files.
        speed: By what times are divided.
        server: Temporal.
        network: Between workers and Temporal.
        memory: The memory store.
        client: A client of the sessions.
        places: Addresses.
        receivers: The ends of the channels.
        models: The ports of the providers.
        environment: The variables of workers and prober.
        running: The stacks that end each process, by its name.
        pids: The process ids by name.
    """

    home: Path
    speed: float
    server: DevServer
    network: Network
    memory: WeaviateServer
    client: Client
    places: Places
    receivers: Receivers
    models: Mapping[str, int]
    environment: Mapping[str, str]
    running: dict[str, AsyncExitStack] = field(default_factory=dict[str, AsyncExitStack])
    pids: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def faults(self) -> Path:
        """The folder whose files switch faults on."""
        return self.home / "faults"

    async def start(self, name: str, *arguments: str, **environment: str) -> Process:
        """Start a process of Python; ``stop`` ends it."""
        self.running[name] = stack = AsyncExitStack()
        log = self.home / f"{name}.log"
        process = await stack.enter_async_context(
            python(*arguments, log=log, **{**self.environment, **environment})
        )
        self.pids[name] = process.pid
        return process

    async def stop(self, name: str) -> None:
        """End a process."""
        await self.running.pop(name).aclose()

    async def started(self) -> None:
        """Wait until Prometheus reads the metrics of every process, and the queue has its workers."""
        async with asyncio.timeout(_START):
            while True:
                with suppress(OSError):
                    up = await self.query("up == 1")
                    polled = await self.query("min(holdfast_queue_pollers) >= 2")
                    if len(up) == _WORKERS + 3 and polled:
                        return
                await asyncio.sleep(1)

    async def start_model(self, name: str) -> None:
        """Start the server of a provider, ``model`` or ``spare``, on its port."""
        options = ("--script", "benchmarks.alerts.app:script", "--port", str(self.models[name]))
        await self.start(name, "-m", "holdfast.testing.model", *options)

    def find_workers(self, number: int) -> None:
        """Have Prometheus read the metrics of so many workers."""
        write_workers(self.home / "prom" / "etc", self.places.workers[:number])

    async def start_worker(self, number: int, **environment: str) -> None:
        """Start a worker on its port."""
        port = self.places.workers[number].rpartition(":")[2]
        await self.start(
            f"worker-{number}",
            "-m",
            "holdfast_workers",
            "benchmarks.alerts.app:app",
            HOLDFAST_HEALTH_PORT=port,
            HOLDFAST_TEMPORAL_ADDRESS=self.network.address,
            **environment,
        )

    async def start_probe(self) -> None:
        """Start the prober."""
        workers = [
            option for each in self.places.workers[:_WORKERS] for option in ("--worker", f"http://{each}")
        ]
        port = self.places.probe.rpartition(":")[2]
        every = f"{15 / self.speed:g}"
        await self.start("probe", "-c", _COMMAND, "probe", "--port", port, "--every", every, *workers)

    def kill(self, name: str) -> None:
        """Send SIGKILL."""
        os.kill(self.pids[name], signal.SIGKILL)

    async def firing(self) -> list[dict[str, str]]:
        """The labels of the firing alerts."""
        found = await self.get("/api/v1/alerts")
        return [each["labels"] for each in found["data"]["alerts"] if each["state"] == "firing"]

    async def query(self, expression: str) -> list[Any]:
        """The result of an expression now."""
        found = await self.get(f"/api/v1/query?query={quote(expression)}")
        return list(found["data"]["result"])

    async def get(self, path: str) -> Any:
        """A page of Prometheus."""
        return await asyncio.to_thread(_get, f"http://{self.places.prometheus}{path}")


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


@asynccontextmanager
async def stack(speed: float, thresholds: Replacements) -> AsyncGenerator[Stack]:
    """Everything running, for the length of the block."""
    async with AsyncExitStack() as exits:
        home = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="hf-alerts-")))
        temporal, between, model, spare, http, smtp, *ports = probe.free_ports(12)
        address = [f"127.0.0.1:{port}" for port in ports]
        places = Places(
            address[0], address[1], address[2], tuple(address[3:]), f"127.0.0.1:{http}", f"127.0.0.1:{smtp}"
        )
        for name in ("faults", "backups"):
            (home / name).mkdir()
        server = await exits.enter_async_context(DevServer(home / "temporal", ui=False, port=temporal))
        network = Network(between, server.address)
        await network.connect()
        exits.push_async_callback(network.cut)
        memory = WeaviateServer()
        exits.callback(memory.stop)
        await asyncio.to_thread(memory.start)
        models = {"model": model, "spare": spare}
        environment = _environment(home, speed, models) | {
            "HOLDFAST_TEMPORAL_ADDRESS": server.address,
            "HOLDFAST_MEMORY_URL": memory.url("Bench"),
        }
        found = await exits.enter_async_context(receivers(http, smtp))
        client = await connect(server.address, task_queue=QUEUE)
        up = Stack(home, speed, server, network, memory, client, places, found, models, environment)
        exits.push_async_callback(_stop_all, up)
        for name in models:
            await up.start_model(name)
        for number in range(_WORKERS):
            await up.start_worker(number)
        await up.start_probe()
        for name, command in _servers(home, places, speed, thresholds).items():
            await exits.enter_async_context(_server(home / f"{name}.log", *command))
        yield up


def _environment(home: Path, speed: float, models: Mapping[str, int]) -> dict[str, str]:
    """The variables of workers, prober and providers, besides the addresses of services."""
    spare = {"spare": {"kind": "openai", "base_url": f"http://127.0.0.1:{models['spare']}/v1"}}
    return {
        "HOLDFAST_TASK_QUEUE": QUEUE,
        "HOLDFAST_HOME": str(home / "holdfast"),
        "HOLDFAST_GRACEFUL_SECONDS": "3",
        "HOLDFAST_MAX_CONCURRENT_ACTIVITIES": str(_SLOTS),
        "HOLDFAST_MAX_CONCURRENT_WORKFLOW_TASKS": str(_WORKFLOW_SLOTS),
        "HOLDFAST_BACKUP_FOLDER": str(home / "backups"),
        "HOLDFAST_BACKUP_EVERY": f"{_EVERY / speed:g}",
        "HOLDFAST_MAINTENANCE_EVERY": f"{_EVERY / speed:g}",
        "HOLDFAST_LOG_FORMAT": "json",
        "HOLDFAST_PROVIDERS": json.dumps(spare),
        "HOLDFAST_PRICES": json.dumps(_PRICES),
        "OPENAI_BASE_URL": f"http://127.0.0.1:{models['model']}/v1",
        "OPENAI_API_KEY": "bench",
        FAULTS: str(home / "faults"),
    }


async def _stop_all(up: Stack) -> None:
    for name in list(up.running):
        await up.stop(name)


def _servers(
    home: Path, places: Places, speed: float, thresholds: Replacements
) -> dict[str, tuple[str, ...]]:
    """The commands of Alertmanager and Prometheus."""
    for name in ("am", "prom"):
        (home / name).mkdir()
    return {
        "alertmanager": (
            program("prometheus-alertmanager"),
            f"--config.file={write_alertmanager(home / 'am', places, speed)}",
            f"--storage.path={home / 'am' / 'data'}",
            f"--web.listen-address={places.alertmanager}",
            "--cluster.listen-address=",
        ),
        "prometheus": (
            program("prometheus"),
            f"--config.file={write_prometheus(home / 'prom' / 'etc', places, speed, thresholds)}",
            f"--storage.tsdb.path={home / 'prom' / 'data'}",
            f"--web.listen-address={places.prometheus}",
        ),
    }


@asynccontextmanager
async def _server(log: Path, *command: str) -> AsyncGenerator[None]:
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=FOLDER if FOLDER.is_dir() else None, stdout=file, stderr=file
        )
        try:
            yield
        finally:
            process.terminate()
            await process.wait()
