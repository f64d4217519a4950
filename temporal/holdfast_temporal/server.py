"""The embedded Temporal server: one per folder, shared by all who work there.

The folder holds the server's database (``temporal.db``), its log (``temporal.log``), a
note of where it runs (``server.json``) and a lock that makes two processes starting at
once end up with one server.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from holdfast_workflows.contracts.errors import DevServerFailed

from . import attributes, binary, probe

START_TIMEOUT: Final = 30.0
STOP_TIMEOUT: Final = 10.0
_STATE: Final = "server.json"
_LOG: Final = "temporal.log"
_BOUND: Final = 'exec 3<&0; { read -r _ <&3; kill $$; } & exec 3<&-; exec "$@" </dev/null'
_TAIL: Final = 600  # characters of the log that go into an error

_DYNAMIC_CONFIG: Final = (
    # The default, a few dozen a second, holds one busy run down to 20 activities a second.
    "history.transferProcessorMaxPollRPS=2000",
    # Runs whose workflow tasks keep failing become findable after two failures.
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2",
    # Without it a queue is served in the order of its tasks, whatever tenant they are of.
    "matching.enableFairness=true",
    # Shares are kept within a partition; over the usual four they are rough. Old tasks in the
    # others are still read.
    "matching.numTaskqueueWritePartitions=1",
    # A run that is to be deleted goes once each of these queues is noted to be past it, which is every 30 s.
    'history.transferProcessorUpdateAckInterval="3s"',
    'history.timerProcessorUpdateAckInterval="3s"',
    'history.visibilityProcessorUpdateAckInterval="3s"',
)


@dataclass(frozen=True)
class ServerInfo:
    """A running server.

    Attributes:
        address: ``host:port`` for clients and workers.
        ui: The address of its web pages; empty if it runs without.
        pid: Its process and process group.
        owner: The process that ends it when it ends itself; 0 if it is to stay.
    """

    address: str
    ui: str
    pid: int
    owner: int


class DevServer:
    """An embedded Temporal server in its own process group.

    Used as ``async with DevServer() as server:``; or ``start`` and ``stop``. A server that
    runs in the folder already is joined, and then left running at the end of the ``with``.
    If the process that started a server is killed, the server ends, too.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        memory: bool = False,
        port: int | None = None,
        ui: bool = True,
        ui_port: int | None = None,
        detach: bool = False,
    ) -> None:
        """Nothing starts yet.

        Args:
            folder: Where database, log and state are; ``HOLDFAST_HOME``, else ``.holdfast``.
            memory: Keep nothing on disk; sessions end with the server.
            port: The port for clients and workers; a free one by default.
            ui: Whether to serve the web pages.
            ui_port: The port of the web pages; a free one by default.
            detach: Leave it running at the end of the ``with``, for other processes to use.
        """
        self._folder = home(folder)
        self._memory = memory
        self._ports = (port, ui_port)
        self._ui = ui
        self._detach = detach
        self._info: ServerInfo | None = None
        self._joined = False
        self._lifeline: int | None = None

    @property
    def info(self) -> ServerInfo:
        """Ports and process id; available after ``start``."""
        if self._info is None:
            raise DevServerFailed("it has not been started")
        return self._info

    @property
    def address(self) -> str:
        """``host:port`` for clients and workers."""
        return self.info.address

    @property
    def ui(self) -> str:
        """The UI's address; empty without a UI."""
        return self.info.ui

    @property
    def joined(self) -> bool:
        """Whether the server was already running before ``start``."""
        return self._joined

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self._folder / _LOG

    @staticmethod
    def find(folder: Path | str | None = None) -> ServerInfo | None:
        """Find the server that runs in a folder; None if none runs, or if it is about to end with its owner."""
        info = _running(home(folder))
        return info if info and (info.owner == 0 or probe.alive(info.owner)) else None

    async def start(self) -> Self:
        """Start the server, or join the one that runs in the folder, and return once it answers.

        Raises:
            DevServerMissing: The ``temporal`` program is not installed.
            DevServerFailed: It did not come up; with the end of its log.
        """
        deadline = time.monotonic() + START_TIMEOUT
        self._folder.mkdir(parents=True, exist_ok=True)
        async with _locked(self._folder / "server.lock", deadline):
            found = await asyncio.to_thread(self.find, self._folder)
            self._joined = found is not None
            self._info = found or await self._launch(deadline)
        return self

    async def stop(self) -> None:
        """Stop the server, also one that this process joined. Harmless if it is stopped already."""
        info, self._info = self._info, None
        if info is not None:
            await stop(info)
            _forget(self._folder / _STATE, info)
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not (self._joined or self._detach):
            await self.stop()

    async def _launch(self, deadline: float) -> ServerInfo:
        for given in filter(None, self._ports):
            if probe.listens(f"127.0.0.1:{given}"):
                raise DevServerFailed(f"port {given} is taken by another program")
        free = probe.free_ports(2)
        port, ui_port = self._ports[0] or free[0], self._ports[1] or free[1]
        if left := await asyncio.to_thread(_running, self._folder):
            await stop(left)  # its owner is dead; two servers on one database would not do
        command = [str(binary.find()), *self._arguments(port, ui_port)]
        if self._detach:
            pid, owner = _spawn(command, self.log), 0
        else:
            pid, self._lifeline = _spawn_bound(command, self.log)
            owner = os.getpid()
        ui = f"http://127.0.0.1:{ui_port}" if self._ui else ""
        info = self._info = ServerInfo(f"127.0.0.1:{port}", ui, pid, owner)
        try:
            await self._until_it_answers(info, deadline)
            _write(self._folder / _STATE, json.dumps(asdict(info)))
        except BaseException:
            await self.stop()
            raise
        return info

    async def _until_it_answers(self, info: ServerInfo, deadline: float) -> None:
        while not await probe.answers(info.address):
            if probe.gone(info.pid):
                raise DevServerFailed(f"{info.address}: {self._tail()}")
            if time.monotonic() > deadline:
                raise DevServerFailed(f"no answer after {START_TIMEOUT:g} s: {self._tail()}")
            await asyncio.sleep(0.02)

    def _arguments(self, port: int, ui_port: int) -> list[str]:
        arguments = ["server", "start-dev", "--ip", "127.0.0.1", "--port", str(port), "--log-level", "warn"]
        arguments += ["--ui-port", str(ui_port), "--ui-disable-news-fetch"] if self._ui else ["--headless"]
        if not self._memory:
            arguments += ["--db-filename", str(self._folder / "temporal.db")]
        for setting in _DYNAMIC_CONFIG:
            arguments += ["--dynamic-config-value", setting]
        for name, kind in attributes.TYPES.items():
            arguments += ["--search-attribute", f"{name}={kind}"]
        return arguments

    def _tail(self) -> str:
        try:
            return self.log.read_text(errors="replace")[-_TAIL:].strip()
        except OSError:
            return ""


def home(folder: Path | str | None = None) -> Path:
    """The folder of everything embedded: the one given, else ``HOLDFAST_HOME``, else ``.holdfast``."""
    return Path(folder or os.environ.get("HOLDFAST_HOME") or ".holdfast").absolute()


async def stop(info: ServerInfo) -> None:
    """Terminate a server's process group; kill it after ten seconds."""
    for what, bound in ((signal.SIGTERM, STOP_TIMEOUT), (signal.SIGKILL, 2.0)):
        with suppress(ProcessLookupError):
            os.killpg(info.pid, what)
        deadline = time.monotonic() + bound
        while time.monotonic() < deadline:
            if probe.gone(info.pid):
                return
            await asyncio.sleep(0.02)


def _running(folder: Path) -> ServerInfo | None:
    """The server in the folder's note, if it runs."""
    try:
        info = ServerInfo(**json.loads((folder / _STATE).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return info if probe.alive(info.pid) and probe.listens(info.address) else None


def _spawn(command: list[str], log: Path, stdin: int | None = None) -> int:
    """Start a program in its own process group, so that Ctrl-C in the terminal does not reach it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return os.posix_spawn(
        command[0],
        command,
        os.environ,
        setpgroup=0,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
            if stdin is None
            else (os.POSIX_SPAWN_DUP2, stdin, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )


def _spawn_bound(command: list[str], log: Path) -> tuple[int, int]:
    """Start a program that ends when this process does; its process, and the pipe that binds it.

    A killed process cannot stop what it started. But the kernel closes its end of the
    pipe, and a shell in the program's process group waits for that and then ends the program.
    """
    theirs, ours = os.pipe()
    try:
        return _spawn(["/bin/sh", "-c", _BOUND, "sh", *command], log, theirs), ours
    finally:
        os.close(theirs)


def _write(path: Path, text: str) -> None:
    """Replace a file atomically."""
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(text)
    part.replace(path)


def _forget(path: Path, info: ServerInfo) -> None:
    """Remove a server's note, unless it names another server by now."""
    with suppress(OSError, ValueError):
        if json.loads(path.read_text())["pid"] == info.pid:
            path.unlink()


@asynccontextmanager
async def _locked(path: Path, deadline: float) -> AsyncGenerator[None]:
    """Hold a lock file; the kernel releases it if the holder is killed."""
    import fcntl  # not on Windows, where clients must still import this module

    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise DevServerFailed(
                        "another process has been starting one here for too long"
                    ) from error
                await asyncio.sleep(0.05)
        yield
