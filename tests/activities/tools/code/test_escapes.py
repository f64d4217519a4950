"""Attempts to leave the sandbox: each is contained, and some succeed once a protection is taken away."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast_activities.tools.code import run as running
from holdfast_activities.tools.code import sandbox, seccomp
from holdfast_activities.tools.code.interpreter import Interpreter
from holdfast_activities.tools.code.run import run
from holdfast_workflows.contracts.tools.code import CodeSettings

from .attempts import ATTEMPTS, program

CANARY = f"canary-of-worker-{os.getpid()}"  # an abstract socket has one name on the machine


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """What a program wants to reach: servers, files, a secret, and this process."""
    monkeypatch.setenv("HOLDFAST_CANARY", CANARY)
    tmp_path.chmod(0o755)
    for name in ("worker.txt", "state.db"):
        (tmp_path / name).write_text(CANARY)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0{CANARY}")
        abstract.listen()
        yield {
            "port": server.getsockname()[1],
            "canary": CANARY,
            "folder": str(tmp_path),
            "worker": os.getpid(),
        }


@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_an_attempt_to_leave_the_sandbox_is_contained(
    interpreter: Interpreter, known: dict[str, object], attempt: str
) -> None:
    outcome = await run(CodeSettings(), interpreter, "python", program(ATTEMPTS[attempt], **known))
    text = outcome.output.decode()
    assert "ESCAPED" not in text
    if "32-bit" in attempt:
        assert outcome.code in (159, 139)  # the filter ends the program
    elif "kernel(" in ATTEMPTS[attempt]:
        assert "PermissionError" in text or "[Errno 38]" in text  # it was refused, and not for its arguments
    else:
        assert text.startswith("contained: ")


def test_there_are_forty_attempts() -> None:
    assert len(ATTEMPTS) >= 40


def _returning(value: bytes) -> Callable[[str], bytes]:
    return lambda _machine: value


def _without(*options: str) -> Callable[..., list[str]]:
    def made(*args: Any, **kwargs: Any) -> list[str]:
        command = _command(*args, **kwargs)
        for option in options:
            command.remove(option)
        return command

    return made


_command = sandbox.command


@pytest.mark.parametrize(
    ("attempt", "options"),
    [
        ("connect to an abstract socket of the host", ["--unshare-net"]),
        ("signal the worker", ["--unshare-pid"]),
        ("find a process of the host", ["--unshare-pid"]),
        ("raise a limit", [f"--nproc={CodeSettings().processes}"]),
    ],
)
async def test_without_a_namespace_or_limit_the_attempt_succeeds(
    interpreter: Interpreter,
    known: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
    attempt: str,
    options: list[str],
) -> None:
    monkeypatch.setattr(running, "command", _without(*options))
    outcome = await run(CodeSettings(), interpreter, "python", program(ATTEMPTS[attempt], **known))
    if attempt == "signal the worker" and os.geteuid() == 0:
        assert b"contained: PermissionError" in outcome.output  # it is seen, but belongs to another user
    else:
        assert outcome.output == b"ESCAPED\n"


@pytest.mark.parametrize(
    "attempt",
    [
        "hold memory in a file without a name",
        "hold memory in shared segments",
        "trace a child",
        "read another process's memory",
        "reach the hypervisor over vsock",
        "ask the kernel over netlink",
        "change the way programs run",
    ],
)
async def test_without_the_filter_of_calls_the_attempt_succeeds(
    interpreter: Interpreter, known: dict[str, object], monkeypatch: pytest.MonkeyPatch, attempt: str
) -> None:
    everything = seccomp._step(0x06, 0x7FFF_0000)
    monkeypatch.setattr(seccomp, "program", _returning(everything))
    outcome = await run(CodeSettings(), interpreter, "python", program(ATTEMPTS[attempt], **known))
    assert outcome.output == b"ESCAPED\n"


@pytest.mark.parametrize("path", ["/", "/dev"])
async def test_without_the_read_only_mount_a_folder_can_be_filled(
    interpreter: Interpreter, known: dict[str, object], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def made(*args: Any, **kwargs: Any) -> list[str]:
        command = _command(*args, **kwargs)
        at = next(i for i, each in enumerate(command) if each == "--remount-ro" and command[i + 1] == path)
        return command[:at] + command[at + 2 :]

    monkeypatch.setattr(running, "command", made)
    outcome = await run(CodeSettings(), interpreter, "python", program(f"open('{path}/canary', 'w')"))
    assert outcome.output == b"ESCAPED\n"


async def test_without_a_shown_folder_only_the_system_is_there(interpreter: Interpreter) -> None:
    outcome = await run(CodeSettings(), interpreter, "python", "import os; print(sorted(os.listdir('/')))")
    shown = set(eval(outcome.output.decode()))
    assert (
        {"work", "tmp", "usr"}
        <= shown
        <= {
            "bin",
            "dev",
            "etc",
            "lib",
            "lib32",
            "lib64",
            "proc",
            "program",
            "tmp",
            "usr",
            "work",
            interpreter.shown[0].split("/")[1],
        }
    )
