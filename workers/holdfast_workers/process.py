"""The life of a worker process: start, serve, and stop on a signal.

The process retries until Temporal and the state database answer, since they often start later than
workers; ``/ready`` shows which one is missing. The first SIGTERM or SIGINT stops polling and lets running
calls finish within ``graceful_seconds``. The second ends the process at once, and Temporal gives its work to
another worker.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import Any, Final, TypeVar

from temporalio.client import Client
from temporalio.worker import Worker

from holdfast_activities.memory import Memories, make_memories
from holdfast_activities.models import Models
from holdfast_activities.resilience import Resilience
from holdfast_activities.state import State, open_state
from holdfast_activities.tools import provided
from holdfast_temporal import connect, ensure_search_attributes
from holdfast_workers.monitoring import logs, telemetry
from holdfast_workers.monitoring.health import HealthServer
from holdfast_workers.monitoring.metrics import MetricsPage
from holdfast_workers.monitoring.telemetry import Telemetry
from holdfast_workers.monitoring.watchdog import Watchdog
from holdfast_workers.startup import binding
from holdfast_workers.startup.checking import warn_of_settings, warn_of_tools
from holdfast_workers.startup.identity import exchanging, make_verifier
from holdfast_workers.startup.lifespan import with_dependencies
from holdfast_workers.startup.loading import load_app
from holdfast_workers.startup.scheduling import ensure_backups, ensure_maintenance
from holdfast_workers.tracing.opening import recording
from holdfast_workflows.contracts import exits
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.errors import EmbeddingMismatch, HoldfastError
from holdfast_workflows.contracts.variables import unknown_variables

from . import error_lines, services, wiring
from .settings import Settings

_FIRST_DELAY: Final = 0.5  # seconds between connection attempts, doubled each time
_LONGEST_DELAY: Final = 10.0
_CHECK: Final = timedelta(seconds=1)
_AFTER_GRACE: Final = 5.0  # seconds for cancelled calls to end
_CLOSING: Final = 3.0  # seconds to close connections when the process ends

_log = logging.getLogger(__name__)
T = TypeVar("T")


def main(app: str, registry: Registry | None = None, **given: Any) -> int:
    """Serve the App ``module:attribute`` until a signal arrives; return 0 after a clean stop, 1 after a failure.

    ``registry`` is the App's if it is loaded already and its models have been checked. ``given`` settings
    override the environment.

    Raises:
        SystemExit: The worker cannot start, and a retry would not help.
    """
    with error_lines.one_line_errors():
        settings = Settings.load(**given)
        checked = registry is not None
        registry = registry or load_app(app).registry()
        gc.freeze()  # collections skip what was imported
        gc.enable()
        measured = telemetry.make_runtime(settings, logs.configure(settings))
        for line in unknown_variables(os.environ):
            _log.warning("%s", line)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            loop = runner.get_loop()
            worker = WorkerProcess(registry, settings, measured, app, checked=checked)
            code = _run(loop, loop.create_task(worker.run()))
            # Threads and tasks that tools left running must not keep the process alive.
            _end_within(_CLOSING, code)
        return code


def _run(loop: asyncio.AbstractEventLoop, worker: asyncio.Task[int]) -> int:
    """Run the worker; a SystemExit from a task that a tool left running does not end it."""
    while True:
        try:
            return loop.run_until_complete(worker)
        except (SystemExit, KeyboardInterrupt) as error:
            if worker.done():
                raise
            _log.error("a task that a tool left running raised %r, which is ignored", error)


class WorkerProcess:
    """One worker with its connections, health server and signal handlers."""

    def __init__(
        self,
        registry: Registry,
        settings: Settings,
        measured: Telemetry | None = None,
        module: str = "",
        *,
        checked: bool = False,
    ) -> None:
        self._registry = registry
        self._checked = checked
        self._settings = settings.for_app(registry.name)
        self._services = services.served(registry, settings.queues)
        self._part = services.part(registry, self._services)
        self._module = module
        self._runtime = measured.runtime if measured else None
        self._metrics = MetricsPage(measured.port, registry.name) if measured and measured.port else None
        self._stop = asyncio.Event()
        self._signals = 0
        self._health = HealthServer(
            [services.full_name(self._settings.task_queue, each) for each in self._services]
        )
        self._health.metrics = self._metrics.render if self._metrics else None
        # Returns when the worker must stop serving its queue; set once the database is open.
        self._changed: Callable[[], Coroutine[Any, Any, HoldfastError]] | None = None

    async def run(self) -> int:
        """Serve until a signal arrives and return the exit code.

        Raises:
            HoldfastError: An error that a retry would not help.
        """
        self._listen_for_signals()
        async with AsyncExitStack() as stack:
            stack.callback(self._health.close)
            if self._settings.health_port is not None:
                host = self._settings.health_host
                port = await self._health.listen(host, self._settings.health_port)
                _log.info("/health, /ready and /metrics at http://%s:%d", host, port)
            worker = await self._come_up(stack)
            return exits.OK if worker is None else await self._serve(worker)

    async def _come_up(self, stack: AsyncExitStack) -> Worker | None:
        """Open all connections and build the worker; None if a signal arrives first."""
        settings = self._settings
        client = await self._until_there(self._connect)
        if client is None:
            return None
        watchdog = await stack.enter_async_context(Watchdog(client))
        service = client.service_client
        self._health.checks["temporal"] = lambda: service.check_health(timeout=_CHECK)
        state = await self._open_state(client, stack)
        if state is None:
            return None
        providers = settings.model_providers()
        models = Models(providers, prices=settings.own_prices())
        stack.push_async_callback(models.close)
        warn_of_settings(self._part, models, checked=self._checked)
        await provided.check(self._part.tools)
        resilience = Resilience(
            state, self._runtime.metric_meter if self._runtime and self._metrics else None
        )
        if self._metrics is not None:
            self._metrics.instruments, self._metrics.watchdog = resilience.metrics, watchdog
        stack.push_async_callback(resilience.close)
        memory = make_memories(
            settings.memory(),
            settings.embeddings,
            settings.home,
            providers,
            resilience.breakers,
            state_url=settings.state(),
            cipher=state.cipher,
        )
        stack.push_async_callback(memory.close)
        # Opening the store loads numpy and its driver; a worker whose agents have no memory opens it on demand.
        remembers = any(agent.memory for agent in self._part.agents.values())
        if remembers or settings.memory() or settings.embeddings:
            await _check_memory(memory)
        verifier = make_verifier(settings)
        if services.BASE in self._services:
            await warn_of_tools(self._registry, state)
            await ensure_maintenance(client, settings.task_queue, settings.maintenance_every)
            if settings.backup_folder:
                await ensure_backups(client, settings.task_queue, settings.backup_every)
            await stack.enter_async_context(exchanging(verifier, client, settings.task_queue))
        recorder = stack.enter_context(recording(settings, self._registry.name, shared=True))
        # Entered last and left first: it may use all of the above, and the last call has ended by then.
        registry = await stack.enter_async_context(with_dependencies(self._registry))
        return wiring.build_worker(
            client, registry, state, models, resilience, settings, memory, verifier, recorder
        )

    async def _open_state(self, client: Client, stack: AsyncExitStack) -> State | None:
        """Open the state database and bind the task queue to it; None if a signal arrives first."""
        queue, url = self._settings.task_queue, self._settings.state()
        keys, cipher = self._settings.signing_keys(), self._settings.cipher()

        async def reach() -> State:
            await binding.expect_tables(client, queue, url)
            return await open_state(url, scope=self._settings.scope(), keys=keys, cipher=cipher)

        state = await self._until_there(reach)
        if state is None:
            return None
        self._health.checks["state"] = state.ping
        stack.push_async_callback(state.close)
        own = binding.make(self._registry, self._module, state.identity)
        known = services.declared(self._registry)
        if await self._until_there(lambda: binding.ensure_all(client, queue, own, known)) is None:
            return None
        self._changed = lambda: binding.changed(client, queue, own, state)
        return state

    async def _connect(self) -> Client:
        client = await connect(
            settings=self._settings.connection(),
            folder=self._settings.home,
            runtime=self._runtime,
        )
        if added := await ensure_search_attributes(client):
            _log.info("search attributes registered: %s", ", ".join(added))
        return client

    async def _until_there(self, reach: Callable[[], Awaitable[T]]) -> T | None:
        """Retry ``reach`` until it succeeds; None if a signal arrives first."""
        delay = _FIRST_DELAY
        while not self._stop.is_set():
            try:
                return await reach()
            except HoldfastError as error:
                if not error.retryable:
                    raise
                _log.warning("%s Trying again in %g s.", error, delay)
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stop.wait()
            delay = min(delay * 2, _LONGEST_DELAY)
        return None

    async def _serve(self, worker: Worker) -> int:
        running = asyncio.create_task(worker.run())
        stopping = asyncio.create_task(self._stop.wait())
        assert self._changed is not None
        changed = asyncio.create_task(self._changed())
        self._health.phase = "running"
        agents = ", ".join(self._registry.agents) or "none"
        _log.info("worker started on %s with agents: %s", ", ".join(self._health.queues), agents)
        if others := [each for each in services.declared(self._registry) if each not in self._services]:
            _log.info("other workers serve, with --queue: %s", ", ".join(others))
        await asyncio.wait({running, stopping, changed}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if running.done():
            self._health.phase = "failed"
            _log.error("worker failed", exc_info=running.exception())
            return exits.FAILED
        code = exits.OK
        if changed.done():
            _log.error("%s", changed.result())
            code = exits.FAILED
        changed.cancel()
        self._health.phase = "stopping"
        _log.info("worker stopping: no new work; calls have %g s to finish", self._settings.graceful_seconds)
        closing = asyncio.create_task(worker.shutdown())
        # The SDK waits without limit for a call that ignores its cancellation. The process must end all the
        # same; Temporal retries the call on another worker.
        done, _ = await asyncio.wait({closing}, timeout=self._settings.graceful_seconds + _AFTER_GRACE)
        if not done:
            _log.error("calls that ignore their cancellation are abandoned")
            _exit_now(exits.FAILED)
        await running
        _log.info("worker stopped")
        return code

    def _listen_for_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)
            # If a tool blocks the loop, the handler above does not run; this one does.
            signal.signal(number, self._signalled)
        if self._settings.stop_with_parent:
            loop.add_reader(sys.stdin.fileno(), self._on_parent_gone)

    def _signalled(self, number: int, _: object) -> None:
        if not self._signals:
            _end_within(self._settings.graceful_seconds + _AFTER_GRACE + _CLOSING, exits.FAILED)
        elif not self._stop.is_set():
            _exit_now(128 + number)
        self._signals += 1

    def _on_signal(self, number: signal.Signals) -> None:
        if self._stop.is_set():
            _log.warning("%s again: the process ends now", number.name)
            _exit_now(128 + number)
        _log.info("%s received", number.name)
        self._stop.set()

    def _on_parent_gone(self) -> None:
        if not os.read(sys.stdin.fileno(), 1_024):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._stop.set()


async def _check_memory(memory: Memories) -> None:
    """Open the memory store and log its errors; the worker starts without it.

    Memories embedded by another model are neither read nor written, so vectors of two models never mix. This
    worker must start to embed them again.
    """
    try:
        await memory.check()
    except EmbeddingMismatch as error:
        _log.error("%s Until then sessions run without memories.", error)
    except HoldfastError as error:
        _log.warning("%s Sessions run without memories until it is back.", error)


def _end_within(seconds: float, code: int) -> None:
    """End the process after that many seconds, even if its event loop is blocked."""

    def end() -> None:
        _log.error("the process ends now; what is still running is abandoned")
        _exit_now(code)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def _exit_now(code: int) -> None:
    logging.shutdown()
    os._exit(code)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # not for Windows

    return uvloop.new_event_loop
