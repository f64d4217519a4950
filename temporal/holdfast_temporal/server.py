"""The embedded Temporal server: one per folder, shared by all processes that use the folder.

The folder has the server's database (``temporal.db``), its log (``temporal.log``), its address
(``server.json``) and a lock, so that two processes that start at the same time share one server.
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

from holdfast_workflows.contracts.errors import DevServerFailed, PortTaken, SettingsInvalid

from . import attributes, binary, probe

PORT: Final = 7233
UI_PORT: Final = 8233
"""The ports of Temporal's own development server."""

START_TIMEOUT: Final = 30.0
STOP_TIMEOUT: Final = 10.0
_STATE: Final = "server.json"
_LOG: Final = "temporal.log"
_BOUND: Final = 'exec 3<&0; { read -r _ <&3; kill $$; } & exec 3<&-; exec "$@" </dev/null'
_TAIL: Final = 600  # characters of the log that go into an error

_DYNAMIC_CONFIG: Final = (
    # The default, a few dozen a second, limits one busy run to 20 activities a second.
    "history.transferProcessorMaxPollRPS=2000",
    # Runs whose workflow tasks fail repeatedly can be listed after two failures.
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2",
    # Without it, a queue is served in the order of its tasks for all tenants.
    "matching.enableFairness=true",
    # Shares apply within a partition and are inexact over the default of four. Old tasks in the other
    # partitions are still read.
    "matching.numTaskqueueWritePartitions=1",
    # A run is deleted once each of these queues has acknowledged it; the default is every 30 s.
    'history.transferProcessorUpdateAckInterval="3s"',
    'history.timerProcessorUpdateAckInterval="3s"',
    'history.visibilityProcessorUpdateAckInterval="3s"',
)


@dataclass(frozen=True)
class ServerInfo:
    """A running server.

    ``address`` is ``host:port``; ``ui`` the web UI's address, empty without a UI; ``pid`` the process and its
    group; ``owner`` the process with which the server ends, 0 if it keeps running.
    """

    address: str
    ui: str
    pid: int
    owner: int


class DevServer:
    """An embedded Temporal server in its own process group.

    Use ``async with DevServer() as server:``, or ``start`` and ``stop``. A server that already runs in the
    folder is joined, and keeps running at the end of the ``with``. If the process that started a server is
    killed, the server ends, too.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        memory: bool = False,
        port: int | None = None,
        ui: bool = True,
        ui_port: int | None = None,
        standard_ports: bool = False,
        detach: bool = False,
        codec_endpoint: str = "",
    ) -> None:
        """Describe the server; ``start`` starts it.

        Args:
            folder: ``HOLDFAST_HOME``, else ``.holdfast``, by default.
            memory: Store nothing on disk; sessions end with the server.
            port: The port for clients and workers; a free one by default.
            ui: Whether to serve the web UI.
            ui_port: The port of the web UI; a free one by default.
            standard_ports: Take 7233 and 8233 instead of any free ones, if they are free.
            detach: Keep it running at the end of the ``with``, for other processes.
            codec_endpoint: The codec server that the web UI asks to decrypt payloads.
        """
        self._folder = home(folder)
        self._memory = memory
        self._ports = (port, ui_port)
        self._ui = ui
        self._standard_ports = standard_ports
        self._detach = detach
        self._codec_endpoint = codec_endpoint
        self._info: ServerInfo | None = None
        self._joined = False
        self._lifeline: int | None = None

    @property
    def info(self) -> ServerInfo:
        """Ports and process id; available after ``start``."""
        if self._info is None:
            raise DevServerFailed("the server is not started; call start() first")
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

        Raises DevServerMissing if the ``temporal`` program is not installed, and DevServerFailed, with the end
        of the log, if the server does not start. Raises SettingsInvalid if the folder cannot be made.
        """
        deadline = time.monotonic() + START_TIMEOUT
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsInvalid(f"HOLDFAST_HOME: {self._folder}: {error.strerror}") from None
        async with _locked(self._folder / "server.lock", deadline):
            found = await asyncio.to_thread(self.find, self._folder)
            self._joined = found is not None
            self._info = found or await self._launch(deadline)
        return self

    async def stop(self) -> None:
        """Stop the server, also one that this process joined. Harmless if it is already stopped."""
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
        if orphan := await asyncio.to_thread(_running, self._folder):
            await stop(orphan)  # its owner has ended; two servers cannot share one database
        ports = self._choose_ports()
        try:
            return await self._launch_at(*ports, deadline)
        except DevServerFailed:
            # Another program may have taken a standard port since it was found to be free.
            if not self._standard_ports or all(map(probe.is_free, ports)):
                raise
            return await self._launch_at(*self._choose_ports(), deadline)

    def _choose_ports(self) -> tuple[int, int]:
        """The ports for clients and for the UI. Raises PortTaken for a taken one that was asked for."""
        for wanted in filter(None, self._ports):
            if not probe.is_free(wanted):
                raise PortTaken(str(wanted))
        standard = (PORT, UI_PORT) if self._standard_ports else (0, 0)
        free = probe.free_ports(2)
        port, ui_port = (
            wanted or (usual if usual and probe.is_free(usual) else other)
            for wanted, usual, other in zip(self._ports, standard, free, strict=True)
        )
        return port, ui_port

    async def _launch_at(self, port: int, ui_port: int, deadline: float) -> ServerInfo:
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
        # Another server may have taken the port since it was found to be free, and answers in place of ours.
        while not (await probe.answers(info.address) and probe.serves(info.pid, info.address)):
            if probe.gone(info.pid):
                raise DevServerFailed(f"{info.address}: {self._tail()}")
            if time.monotonic() > deadline:
                raise DevServerFailed(f"no answer after {START_TIMEOUT:g} s: {self._tail()}")
            await asyncio.sleep(0.02)

    def _arguments(self, port: int, ui_port: int) -> list[str]:
        arguments = ["server", "start-dev", "--ip", "127.0.0.1", "--port", str(port), "--log-level", "warn"]
        arguments += ["--ui-port", str(ui_port), "--ui-disable-news-fetch"] if self._ui else ["--headless"]
        if self._ui and self._codec_endpoint:
            arguments += ["--ui-codec-endpoint", self._codec_endpoint]
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
    """The folder of embedded servers and databases: the argument, else ``HOLDFAST_HOME``, else ``.holdfast``."""
    return Path(folder or os.environ.get("HOLDFAST_HOME") or ".holdfast").absolute()


async def stop(info: ServerInfo) -> None:
    """Terminate a server's process group; kill it after ten seconds."""
    for signal_number, seconds in ((signal.SIGTERM, STOP_TIMEOUT), (signal.SIGKILL, 2.0)):
        with suppress(ProcessLookupError):
            os.killpg(info.pid, signal_number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if probe.gone(info.pid):
                return
            await asyncio.sleep(0.02)


def _running(folder: Path) -> ServerInfo | None:
    """The server in the folder's ``server.json``, if it runs."""
    try:
        info = ServerInfo(**json.loads((folder / _STATE).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return info if probe.serves(info.pid, info.address) else None


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
    """Start a program that ends when this process does; return its process and the pipe that binds it.

    The kernel closes a killed process's end of the pipe. A shell in the program's process group waits for
    that and then ends the program.
    """
    read_end, write_end = os.pipe()
    try:
        return _spawn(["/bin/sh", "-c", _BOUND, "sh", *command], log, read_end), write_end
    finally:
        os.close(read_end)


def _write(path: Path, text: str) -> None:
    """Replace a file atomically."""
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(text, "utf-8")
    part.replace(path)


def _forget(path: Path, info: ServerInfo) -> None:
    """Remove ``server.json``, unless it describes another server by now."""
    with suppress(OSError, ValueError):
        if json.loads(path.read_text("utf-8"))["pid"] == info.pid:
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
                    raise DevServerFailed("timed out waiting for another process's start") from error
                await asyncio.sleep(0.05)
        yield
