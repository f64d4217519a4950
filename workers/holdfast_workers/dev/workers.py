"""The worker processes of ``holdfast dev`` for one version of the App, restarted when they die."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from holdfast_workers import services
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts import exits
from holdfast_workflows.contracts.errors import HoldfastError

from .child import WorkerChild
from .loaded import LoadedApp, Prepared
from .summary import Printer

_STABLE: Final = 10.0  # seconds of running after which the restart delay is reset
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 10.0


class Workers:
    """Processes that load the App at once, and serve it on request."""

    def __init__(self, first: WorkerChild, app: str, settings: Settings, printer: Printer) -> None:
        """``first`` is a process that was started and does not serve yet."""
        self._first: WorkerChild | None = first
        self._app = app
        self._settings = settings
        self._printer = printer
        self._children: dict[int, WorkerChild] = {}
        self._keepers: list[asyncio.Task[int]] = []

    async def loaded(self) -> LoadedApp:
        """Wait until the App is loaded; raises the error of loading it."""
        assert self._first is not None
        return await self._first.loaded()

    async def prepared(self) -> Prepared:
        """Wait until the first process could serve; raises the error of its settings."""
        assert self._first is not None
        return await self._first.prepared()

    @property
    def serving(self) -> bool:
        """Whether there are processes that serve."""
        return bool(self._keepers)

    def serve(self, count: int, address: str) -> None:
        """Serve with ``count`` processes."""
        self._keepers = [asyncio.create_task(self._keep(number, address)) for number in range(count)]

    async def refused(self) -> int:
        """Wait until a worker ends that a restart cannot help; return its exit code."""
        done, _ = await asyncio.wait(self._keepers, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()

    async def end(self) -> None:
        """End all processes."""
        for task in self._keepers:
            task.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        children = [*self._children.values(), *([self._first] if self._first else [])]
        self._children, self._first, self._keepers = {}, None, []
        await asyncio.gather(*(child.end(self._settings.graceful_seconds) for child in children))

    async def _keep(self, number: int, address: str) -> int:
        delay, variables = _FIRST_DELAY, _variables(self._settings, address, number)
        while True:
            begun = time.monotonic()
            code = await self._run(number, variables)
            if code == exits.BAD_INPUT:
                return code
            delay = _FIRST_DELAY if time.monotonic() - begun > _STABLE else min(delay * 2, _LONGEST_DELAY)
            self._printer.note(f"a worker ended with exit code {code}; the next one starts in {delay:g} s")
            await asyncio.sleep(delay)

    async def _run(self, number: int, variables: Mapping[str, str]) -> int:
        """Run one worker and return its exit code."""
        loaded, self._first = self._first, None
        child = self._children[number] = loaded or await WorkerChild.start(self._app)
        if loaded is None:
            try:
                await child.loaded()
            except HoldfastError as error:
                self._printer.error(error)
                return exits.BAD_INPUT
        child.serve(variables)
        return await child.wait()


def _variables(settings: Settings, address: str, number: int) -> Mapping[str, str]:
    """The environment of worker ``number``; workers on one machine take ports one after the other."""
    found = {
        "HOLDFAST_TEMPORAL_ADDRESS": address,
        "HOLDFAST_STOP_WITH_PARENT": "true",
        "HOLDFAST_QUEUES": services.ALL,
        "HOLDFAST_HOME": str(settings.home),
    }
    if settings.health_port:
        found["HOLDFAST_HEALTH_PORT"] = str(settings.health_port + number)
    return found
