"""The prober: it checks targets and reads the deployment's figures periodically, and serves them for Prometheus."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from temporalio.client import Client

from holdfast_activities.memory import Memories, make_memories
from holdfast_activities.memory.opening import FILE
from holdfast_activities.operations.figures import Sources, read_figures
from holdfast_activities.state import State, open_state
from holdfast_temporal import binding, connect
from holdfast_temporal.identity import OwnGrants, signed_client
from holdfast_workers.monitoring.health import HealthServer
from holdfast_workers.monitoring.metrics import Sample, render
from holdfast_workers.settings import Settings
from holdfast_workers.signals import until_signal
from holdfast_workers.startup.identity import make_verifier
from holdfast_workflows.contracts.errors import HoldfastError, StateReplaced
from holdfast_workflows.contracts.operations.figures import Figure
from holdfast_workflows.contracts.operations.metrics import METRICS

from .checks import Check, Checks, worker_check, worker_target

_ANSWER: Final = timedelta(seconds=4)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProbeOptions:
    """Where to listen, the workers' URLs, and the seconds between checks and between readings of figures."""

    host: str = "127.0.0.1"
    port: int = 8001
    workers: tuple[str, ...] = ()
    every: float = 15.0
    figures_every: float = 30.0


@dataclass
class _Parts:
    """The connections of the prober, opened one after the other, each as soon as it answers."""

    client: Client | None = None
    state: State | None = None
    memory: Memories | None = None
    figures: list[Figure] = field(default_factory=list[Figure])


class Prober:
    """Checks a deployment until the block ends."""

    def __init__(self, options: ProbeOptions, settings: Settings) -> None:
        self._options = options
        self._settings = settings
        self._stack = AsyncExitStack()
        self._parts = _Parts()
        self._failing = set[str]()
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[int]:
        """Run the prober, and yield the port of its page.

        Raises:
            BadInput: A worker's URL cannot be used.
            SettingsInvalid: The port is in use.
        """
        import httpx

        async with self._stack as stack, httpx.AsyncClient(timeout=_ANSWER.total_seconds()) as http:
            workers = dict(map(worker_target, self._options.workers))
            targets: dict[str, Check] = {name: worker_check(http, url) for name, url in workers.items()}
            targets |= {"temporal": self._temporal, "state": self._state}
            if self._has_memories():
                targets["memory"] = self._memory
            checks = Checks(targets)
            server = HealthServer()
            server.phase, server.metrics = "running", partial(self._page, checks)
            port = await server.listen(self._options.host, self._options.port, "--port")
            stack.callback(server.close)
            options = self._options
            running = [
                asyncio.create_task(_repeat(options.every, checks.run)),
                asyncio.create_task(_repeat(options.figures_every, self._read)),
            ]
            try:
                yield port
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)

    async def _page(self, checks: Checks) -> bytes:
        by_name = defaultdict[str, list[Sample]](list)
        for figure in (*checks.figures(), *self._parts.figures):
            by_name[figure.name].append((figure.labels, figure.value))
        known = [metric.name for metric in METRICS if metric.name in by_name]
        return "".join(render(name, by_name[name]) for name in known).encode()

    # Checks of services; each connects first, as long as it has not.

    async def _temporal(self) -> None:
        client = await self._client()
        await client.service_client.check_health(timeout=_ANSWER)
        await client.count_workflows("ExecutionStatus = 'Running'", rpc_timeout=_ANSWER)

    async def _state(self) -> None:
        try:
            await (await self._database()).ping()
        except StateReplaced:
            self._parts.state = None  # a worker of a file store replaces the index when it starts
            raise

    async def _memory(self) -> None:
        await (await self._memories()).stats()

    async def _client(self) -> Client:
        async with self._opening:
            if self._parts.client is None:
                settings = self._settings
                client = await connect(settings=settings.connection(), folder=settings.home)
                verifier = make_verifier(settings)
                if verifier is not None:
                    client = signed_client(client, OwnGrants(verifier.own_grant))
                self._parts.client = client
            return self._parts.client

    async def _database(self) -> State:
        async with self._opening:
            if self._parts.state is None:
                settings = self._settings
                state = await open_state(
                    settings.state(),
                    scope=settings.scope(),
                    cipher=settings.cipher(),
                    migrate=False,
                    take_lock=False,  # a worker could not start
                )
                self._stack.push_async_callback(state.close)
                self._parts.state = state
            return self._parts.state

    async def _memories(self) -> Memories:
        settings, state = self._settings, await self._database()
        if self._parts.memory is None:
            memory = make_memories(
                settings.memory(), "none", settings.home, state_url=settings.state(), cipher=state.cipher
            )
            self._stack.push_async_callback(memory.close)
            self._parts.memory = memory
        return self._parts.memory

    def _has_memories(self) -> bool:
        """Whether there is a store; an embedded one is not created by the probe."""
        settings = self._settings
        return bool(settings.memory() or not settings.state_is_local() or (settings.home / FILE).exists())

    # Figures.

    async def _read(self) -> None:
        try:
            client, state = await self._client(), await self._database()
            queues, agents = await self._queues(client)
            memory = await self._memories() if self._has_memories() else None
        except HoldfastError as error:  # the checks report it
            self._parts.figures = []
            _log.debug("no figures: %s", error)
            return
        backups = Path(self._settings.backup_folder) if self._settings.backup_folder else None
        figures, errors = await read_figures(Sources(client, queues, agents, state, memory, backups))
        for name in errors.keys() - self._failing:
            _log.warning("no figures of %s: %s", name, errors[name])
        self._failing = set(errors)
        self._parts.figures = figures

    async def _queues(self, client: Client) -> tuple[Sequence[str], Sequence[str]]:
        """The task queues and the agents of the app with HOLDFAST_TASK_QUEUE, or of all apps of the namespace."""
        own = self._settings.task_queue
        bound = {
            queue: each
            for queue, each in (await binding.bound(client)).items()
            if not own or own in (queue, each.base)
        }
        agents = {agent for each in bound.values() for agent in each.agents}
        return list(bound) or [own], sorted(agents)


async def serve(options: ProbeOptions, settings: Settings) -> None:
    """Run the prober until a signal arrives."""
    async with Prober(options, settings).running() as port:
        _log.info("the probe's /metrics at http://%s:%d", options.host, port)
        await until_signal()


async def _repeat(seconds: float, work: Check) -> None:
    """Do the work at an interval, whatever it raises."""
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 # a fault of one round must not end the probe
            _log.exception("the probe could not work; it tries again in %g s", seconds)
        await asyncio.sleep(seconds)
