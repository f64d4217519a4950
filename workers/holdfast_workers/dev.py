"""``holdfast dev``: an embedded Temporal server and worker processes, ended together."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from holdfast_temporal import DevServer, probe
from holdfast_workflows.contracts.errors import DevServerFailed

from . import exits
from .settings import Settings

_STABLE: Final = 10.0  # seconds of running after which the restart delay is reset
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 10.0
_WATCH: Final = 0.5  # seconds between checks of the server
_AFTER_GRACE: Final = 10.0  # seconds beyond the grace before a worker is killed


@dataclass(frozen=True)
class DevOptions:
    """Options of the command. ``None`` for a port means a free one."""

    app: str
    port: int | None = None
    ui_port: int | None = None
    workers: int = 1
    ui: bool = True


async def run(options: DevOptions, settings: Settings, console: Console) -> int:
    """Serve until a signal arrives and return the exit code.

    Raises:
        DevServerMissing: The ``temporal`` program is not installed.
        DevServerFailed: The server did not start, or ended unexpectedly.
    """
    stop = _stop_signal()
    server = DevServer(settings.home, port=options.port, ui=options.ui, ui_port=options.ui_port)
    async with server:
        _greet(server, options, console)
        processes = [
            _WorkerProcess(options, settings, server.address, n, console) for n in range(options.workers)
        ]
        watchers = [asyncio.create_task(process.keep()) for process in processes]
        waiting = [asyncio.create_task(stop.wait()), asyncio.create_task(_until_gone(server.info.pid))]
        try:
            await asyncio.wait([*waiting, *watchers], return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                console.print("stopping: running calls may finish; press Ctrl-C again to end them")
        finally:
            for task in [*waiting, *watchers]:
                task.cancel()
            await asyncio.gather(*(process.end() for process in processes))
        if waiting[1].done() and not waiting[1].cancelled():
            raise DevServerFailed(f"it ended unexpectedly; see {server.log}")
        return next((task.result() for task in watchers if not task.cancelled() and task.done()), exits.OK)


class _WorkerProcess:
    """One worker process, restarted when it dies."""

    def __init__(
        self, options: DevOptions, settings: Settings, address: str, number: int, console: Console
    ) -> None:
        self._options = options
        self._settings = settings
        self._environment = {
            **os.environ,
            "HOLDFAST_TEMPORAL_ADDRESS": address,
            "HOLDFAST_STOP_WITH_PARENT": "true",
            "HOLDFAST_HOME": str(settings.home),
        }
        # Workers on one machine take ports one after the other.
        if settings.health_port:
            self._environment["HOLDFAST_HEALTH_PORT"] = str(settings.health_port + number)
        if settings.metrics_port:
            self._environment["HOLDFAST_METRICS_PORT"] = str(settings.metrics_port + number)
        self._console = console
        self._process: Process | None = None

    async def keep(self) -> int:
        """Run the worker and restart it; return only if a restart cannot help."""
        delay = _FIRST_DELAY
        while True:
            begun = time.monotonic()
            # Its own process group: Ctrl-C reaches only this process, which then stops the worker.
            # If this process is killed, the worker's standard input closes, which stops it too.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "holdfast_workers",
                self._options.app,
                env=self._environment,
                stdin=PIPE,
                process_group=0,
            )
            code = await self._process.wait()
            if code == exits.BAD_INPUT:
                return code
            delay = _FIRST_DELAY if time.monotonic() - begun > _STABLE else min(delay * 2, _LONGEST_DELAY)
            self._console.print(
                f"[yellow]a worker ended with exit code {code}; the next one starts in {delay:g} s[/]"
            )
            await asyncio.sleep(delay)

    async def end(self) -> None:
        """Terminate the worker; kill it after its grace."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(self._settings.graceful_seconds + _AFTER_GRACE):
                await process.wait()
        except (TimeoutError, asyncio.CancelledError):
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _stop_signal() -> asyncio.Event:
    """An event that the first SIGINT or SIGTERM sets; the next one cancels the current task."""
    stop, loop, task = asyncio.Event(), asyncio.get_running_loop(), asyncio.current_task()

    def on_signal() -> None:
        if stop.is_set() and task is not None:
            task.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    return stop


async def _until_gone(pid: int) -> None:
    while not probe.gone(pid):  # noqa: ASYNC110 # another process's end sets no event of ours
        await asyncio.sleep(_WATCH)


def _greet(server: DevServer, options: DevOptions, console: Console) -> None:
    many = f"{options.workers} worker" + ("" if options.workers == 1 else "s")
    console.print(f"[bold]holdfast dev[/] {options.app} with {many}", highlight=False)
    console.print(
        f"  Temporal  {server.address}{'  (already running)' if server.joined else ''}", highlight=False
    )
    if server.ui:
        console.print(f"  UI        [link={server.ui}]{server.ui}[/link]", highlight=False)
    console.print("  Ctrl-C stops everything; sessions are kept", highlight=False)
