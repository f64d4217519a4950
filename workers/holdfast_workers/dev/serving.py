"""Load the App, start the server, serve, reload, and end everything in order."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Coroutine
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from rich.console import Console

from holdfast_temporal import DevServer, binary, probe
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts import exits
from holdfast_workflows.contracts.errors import (
    DevServerFailed,
    DevServerMissing,
    HoldfastError,
    SettingsInvalid,
)

from .child import WorkerChild
from .codec import DevCodec
from .run import DevOptions
from .summary import Printer, summarize
from .workers import Workers

if TYPE_CHECKING:
    from .changes import Changes

_SLOW: Final = 3.0  # seconds of loading after which it is mentioned
_WATCH: Final = 0.5  # seconds between checks of the server

Event = Literal["stop", "gone", "refused", "changed"]
T = TypeVar("T")


class Serving:
    """One run of the command."""

    def __init__(self, options: DevOptions, first: WorkerChild, stop: asyncio.Event) -> None:
        """``first`` loads the App; ``stop`` is set when a signal arrives."""
        _check_installed(options)
        self._options = options
        self._settings = Settings.load()
        _check_environment(self._settings)
        self._printer = Printer(Console(stderr=True))
        self._workers = self._made(first)
        self._stop = stop
        self._retired: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Serve until a signal arrives and return the exit code."""
        options = self._options
        slow = asyncio.get_running_loop().call_later(_SLOW, self._printer.note, f"loading {options.app} …")
        app = await self._unless_stopped(self._workers.loaded())
        slow.cancel()
        if app is None:
            return exits.OK
        codec = await DevCodec.start(self._settings.connection()) if options.ui else None
        server = DevServer(
            self._settings.home,
            port=options.port,
            ui=options.ui,
            ui_port=options.ui_port,
            standard_ports=True,
            codec_endpoint=codec.endpoint if codec else "",
        )
        async with server:
            if codec:
                codec.allow(server.ui)
            try:
                prepared = await self._workers.prepared()
                if prepared.one_process and options.workers > 1:
                    raise SettingsInvalid(
                        f"{prepared.state} serves one worker; use --workers 1, or SQLite or PostgreSQL"
                    )
                summarize(self._printer, options, app, prepared, server)
                self._workers.serve(options.workers, server.address)
                return await self._serve(server, app.folders)
            finally:
                await asyncio.gather(self._workers.end(), *self._retired)

    async def _serve(self, server: DevServer, folders: list[str]) -> int:
        if not self._options.reload:
            return await self._until_over(server, None)
        from .changes import Changes  # only the extra "dev" has its library

        async with Changes() as changes:
            await changes.watch(folders)
            return await self._until_over(server, changes)

    async def _until_over(self, server: DevServer, changes: Changes | None) -> int:
        while True:
            waits: dict[Event, Coroutine[Any, Any, Any]] = {
                "stop": self._stop.wait(),
                "gone": _until_gone(server.info.pid),
            }
            if self._workers.serving:
                waits["refused"] = self._workers.refused()
            if changes:
                waits["changed"] = changes.wait()
            event, result = await _first(waits)
            if event == "stop":
                self._printer.note("stopping: running calls may finish; press Ctrl-C again to end them")
                return exits.OK
            if event == "gone":
                raise DevServerFailed(_why_gone(server))
            if changes is None:
                return int(result)
            if event == "refused":
                await self._workers.end()
                self._printer.note("waiting for a change of the App's files")
            elif folders := await self._reload(changes.take(), server.address):
                await changes.watch(folders)

    async def _reload(self, changed: str, address: str) -> list[str]:
        """Replace the workers by those of the changed App, unless it cannot be loaded; return its folders."""
        begun = time.monotonic()
        self._printer.note(f"{changed} changed: loading the App again")
        workers = self._made(await WorkerChild.start(self._options.app))
        try:
            app = await self._unless_stopped(workers.loaded())
            prepared = await workers.prepared()
        except HoldfastError as error:
            await workers.end()
            self._printer.error(error)
            kept = "The workers go on with the App as it was." if self._workers.serving else ""
            self._printer.note(f"waiting for the next change. {kept}")
            return []
        if app is None:
            await workers.end()
            return []
        old, self._workers = self._workers, workers
        retiring = asyncio.create_task(old.end())
        if self._settings.health_port or prepared.one_process:
            await retiring  # the new workers need its ports, or its folder
        self._retired.add(retiring)
        retiring.add_done_callback(self._retired.discard)
        workers.serve(self._options.workers, address)
        for reason in prepared.unusable:
            self._printer.note(reason)
        names = ", ".join(agent.name for agent in app.agents)
        self._printer.note(f"loaded in {time.monotonic() - begun:.1f} s; agents: {names}")
        return app.folders

    def _made(self, first: WorkerChild) -> Workers:
        return Workers(first, self._options.app, self._settings, self._printer)

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of ``work``; None if a signal arrives first."""
        event, result = await _first({"changed": work, "stop": self._stop.wait()})
        return None if event == "stop" else result


async def _first(waits: dict[Event, Coroutine[Any, Any, Any]]) -> tuple[Event, Any]:
    """The first of ``waits`` that ends, with its result; the others are cancelled."""
    tasks: dict[Event, asyncio.Task[Any]] = {
        event: asyncio.create_task(wait) for event, wait in waits.items()
    }
    try:
        await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        ended: list[Event] = [event for event, task in tasks.items() if task.done()]
        return ended[0], tasks[ended[0]].result()
    finally:
        for task in tasks.values():
            task.cancel()


async def _until_gone(pid: int) -> None:
    while not probe.gone(pid):  # noqa: ASYNC110 # another process's end sets no event of ours
        await asyncio.sleep(_WATCH)


def _why_gone(server: DevServer) -> str:
    if server.joined:
        return "it ended with the `holdfast dev` that started it; run the command again"
    return f"it ended unexpectedly: {server.log}; sessions are kept, so run the command again"


def _check_installed(options: DevOptions) -> None:
    binary.find()
    if options.reload and find_spec("watchfiles") is None:
        raise DevServerMissing("no module watchfiles, which --reload needs")


def _check_environment(settings: Settings) -> None:
    """Refuse settings for a server of the user's own, which the embedded server cannot serve."""
    fields = ("tls", "tls_ca", "tls_cert", "tls_key", "api_key", "api_key_file")
    found = [f"HOLDFAST_{name.upper()}" for name in fields if os.environ.get(f"HOLDFAST_{name.upper()}")]
    if settings.namespace != "default":
        found.append("HOLDFAST_NAMESPACE")
    if found:
        raise SettingsInvalid(
            f"{', '.join(found)}: the embedded server has no TLS, keys and namespaces. "
            "Unset them for `holdfast dev`, or use `holdfast worker` with the server that they are for"
        )
