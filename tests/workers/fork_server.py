"""Processes that begin with Holdfast imported, which takes a second of processor time otherwise.

One process imports what a worker does and forks for each command. It has one thread and no connection, so
that its copies differ from a new interpreter in nothing but what is imported already.
"""

from __future__ import annotations

import asyncio
import atexit
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_ENVIRONMENT = dict(os.environ)  # no test has changed it yet
_MOST = 2**20  # bytes of a request
_IMPORTED = ("holdfast_workers.process", "holdfast_workers.startup.lifespan", "holdfast_workers.wiring")
_SERVE = "from tests.workers.fork_server import serve; serve({})"


class Forked:
    """A forked process, with what tests use of asyncio's ``Process``."""

    def __init__(self, pid: int, stderr: asyncio.StreamReader, status: asyncio.StreamReader) -> None:
        self.pid = pid
        self.stderr = stderr
        self.returncode: int | None = None
        self._ended = asyncio.create_task(self._end(status))

    async def _end(self, status: asyncio.StreamReader) -> int:
        self.returncode = int(await status.read())
        return self.returncode

    async def wait(self) -> int:
        """Return the exit code once the process has ended, or the negative number of the signal that ended it."""
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL, unless the process has ended."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The process that forks. It ends with the one that started it."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._control, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _SERVE.format(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=_ENVIRONMENT,
                cwd=Path(__file__).parents[2],
            )
        atexit.register(self._close)

    @staticmethod
    def serves(environment: Mapping[str, str]) -> bool:
        """Return whether a new interpreter would start like this one; ``PYTHONPATH`` may bring other modules."""
        return _of_python(environment) == _of_python(_ENVIRONMENT)

    def _close(self) -> None:
        self._control.close()
        self._process.wait()

    async def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], cwd: Path | str
    ) -> Forked:
        """Start ``holdfast <arguments>``."""
        request = json.dumps([list(arguments), dict(environment), str(cwd)]).encode()
        (stderr, write_stderr), (status, write_status) = os.pipe(), os.pipe()
        try:
            socket.send_fds(self._control, [request], [write_stderr, write_status])
        finally:
            os.close(write_stderr)
            os.close(write_status)
        lines, ended = await _reader(stderr), await _reader(status)
        return Forked(int(await ended.readline()), lines, ended)


def _of_python(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith("PYTHON")}


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb"))
    return reader


def serve(descriptor: int) -> None:
    """Fork for each request until the other end is closed; run the command in the copies."""
    from holdfast_client.command.main import main

    for name in _IMPORTED:
        importlib.import_module(name)
    if sys.platform == "linux":  # a copy of a process with threads may wait for a lock that one of them had
        assert len(list(Path("/proc/self/task").iterdir())) == 1
    control = socket.socket(fileno=descriptor)
    request = _forked(control)
    if request is None:
        return
    arguments, environment, cwd = request
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv = ["-c", *arguments]
    # The server's may be on a file, where Python seeks; this one is on a pipe.
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    main()


def _forked(control: socket.socket) -> Any:
    """Return a request in the copy that is to serve it, and None in the server once it is to end."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, _ignore)
    reports: dict[int, int] = {}  # by process: where its exit code is written, after its id
    while True:
        for ready in select.select([control.fileno(), woken], [], [])[0]:
            if ready == woken:
                os.read(woken, 4096)
                _report(reports)
                continue
            request, received, _, _ = socket.recv_fds(control, _MOST, 2)
            if not request:
                return None
            stderr, report = received
            if (pid := os.fork()) == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                os.dup2(stderr, 2)
                control.close()
                for each in (woken, wake, stderr, report, *reports.values()):
                    os.close(each)
                return json.loads(request)
            os.close(stderr)
            reports[pid] = report
            os.write(report, f"{pid}\n".encode())


def _ignore(_signal: int, _frame: object) -> None:
    """Let a signal end the wait; the default would not."""


def _report(reports: dict[int, int]) -> None:
    """Report the processes that have ended."""
    while reports:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        report = reports.pop(pid)
        os.write(report, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(report)


__all__ = ["ForkServer", "Forked", "serve"]
