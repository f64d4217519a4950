"""Real worker processes, as tests start, watch and end them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from .fork_server import Forked, ForkServer

ROOT = Path(__file__).parents[2]
COMMAND = """
from holdfast_client.command.main import main
main()
"""


async def eventually(look: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something outside this process is so."""
    async with asyncio.timeout(seconds):
        while not look():  # noqa: ASYNC110 # files and processes set no event of ours
            await asyncio.sleep(0.02)


class Running:
    """A process and the lines it writes to standard error."""

    def __init__(self, process: Process | Forked) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.lines.append(line.decode().rstrip())

    async def said(self, words: str, seconds: float = 60.0) -> str:
        """The first line with these words, once there is one."""
        try:
            await eventually(
                lambda: any(words in line for line in self.lines) or self._reader.done(), seconds
            )
        except TimeoutError:
            raise AssertionError(f"never said {words!r}, but: {self.text}") from None
        found = next((line for line in self.lines if words in line), None)
        assert found is not None, f"ended without saying {words!r}, but: {self.text}"
        return found

    @property
    def text(self) -> str:
        """All it said so far."""
        return "\n".join(self.lines)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def ended(self, seconds: float = 60.0) -> int:
        """The exit code, once it ends."""
        async with asyncio.timeout(seconds):
            code = await self.process.wait()
            await self._reader
        return code

    async def get(self, page: str) -> tuple[int, dict[str, Any]]:
        """A page of its health server: status and body."""
        line = await self.said("/metrics at")
        port = int(line.split("http://127.0.0.1:")[1].split('"')[0].split()[0])
        return await get(port, page)

    async def ready(self, want: int = 200) -> dict[str, Any]:
        """What ``/ready`` says, once its status is the one wanted."""
        async with asyncio.timeout(60):
            while True:
                status, body = await self.get("/ready")
                if status == want:
                    return body
                await asyncio.sleep(0.05)


async def get(port: int, page: str, method: str = "GET") -> tuple[int, dict[str, Any]]:
    """A page of this machine: status and JSON body."""
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{method} {page} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    return int(head.split()[1]), json.loads(body) if body else {}


_fork_server = cache(ForkServer)


@asynccontextmanager
async def started(*arguments: str, cwd: Path | str = ROOT, **settings: str) -> AsyncGenerator[Running]:
    """``holdfast <arguments>`` with settings as ``name="value"``, ended at the latest with the block.

    A worker is forked from a process that has imported it already. Other commands, and ``started_new``, begin with
    a new interpreter.
    """
    environment = _environment(settings)
    forked = arguments[0] == "worker" and ForkServer.serves(environment)
    start = _fork_server().start if forked else _new
    async with _running(await start(arguments, environment, cwd)) as running:
        yield running


@asynccontextmanager
async def started_new(*arguments: str, cwd: Path | str = ROOT, **settings: str) -> AsyncGenerator[Running]:
    """``started`` with a new interpreter."""
    async with _running(await _new(arguments, _environment(settings), cwd)) as running:
        yield running


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")},
        "HOLDFAST_HOME": os.environ["HOLDFAST_HOME"],
        "HOLDFAST_LOG_FORMAT": "json",
        **{f"HOLDFAST_{name.upper()}": value for name, value in settings.items()},
    }


async def _new(arguments: Sequence[str], environment: Mapping[str, str], cwd: Path | str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", COMMAND, *arguments, env=environment, stderr=PIPE, cwd=cwd
    )


@asynccontextmanager
async def _running(process: Process | Forked) -> AsyncGenerator[Running]:
    running = Running(process)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await running.ended()
