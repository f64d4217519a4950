"""One worker process of ``holdfast dev``."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self, TypeVar

if TYPE_CHECKING:
    from .loaded import LoadedApp, Prepared, Report

_AFTER_GRACE: Final = 10.0  # seconds beyond the grace before a worker is killed
_LONGEST_REPORT: Final = 1 << 20  # bytes

R = TypeVar("R", bound="Report")


class WorkerChild:
    """A process that loads the App at once, and serves it once it receives the address."""

    def __init__(self, process: Process, reports: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._process = process
        self._reports = reports
        self._writer = writer

    @classmethod
    async def start(cls, app: str) -> Self:
        """Start the process.

        It has its own process group: Ctrl-C reaches only the command, which then stops the worker. If the
        command is killed, the worker's standard input closes, which stops it too.
        """
        own, other = socket.socketpair()
        with other:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "holdfast_workers",
                app,
                str(other.fileno()),
                stdin=PIPE,
                process_group=0,
                pass_fds=(other.fileno(),),
            )
        return cls(process, *await asyncio.open_connection(sock=own, limit=_LONGEST_REPORT))

    async def loaded(self) -> LoadedApp:
        """Wait until the App is loaded; raises the error of loading it."""
        from .loaded import LoadedApp  # imported while the process loads the App

        return await self._report(LoadedApp)

    async def prepared(self) -> Prepared:
        """Wait until the worker could serve; raises the error of its settings."""
        from .loaded import Prepared

        return await self._report(Prepared)

    async def _report(self, kind: type[R]) -> R:
        line = await self._reports.readline()
        if not line:
            from holdfast_workflows.contracts.errors import AppBroken

            code = await self._process.wait()
            raise AppBroken(f"the process ended with exit code {code} while it loaded the App")
        return kind.model_validate_json(line).raise_error()

    def serve(self, variables: Mapping[str, str]) -> None:
        """Let the worker serve with these variables added to its environment."""
        assert self._process.stdin is not None
        with suppress(ConnectionError):  # it has ended already; ``wait`` returns
            self._process.stdin.write(json.dumps(variables).encode() + b"\n")

    async def wait(self) -> int:
        """Wait for its end and return the exit code."""
        return await self._process.wait()

    async def end(self, grace: float) -> None:
        """Terminate the worker; kill it some seconds after its grace."""
        self._writer.close()
        process = self._process
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(grace + _AFTER_GRACE):
                await process.wait()
        except (TimeoutError, asyncio.CancelledError):
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
