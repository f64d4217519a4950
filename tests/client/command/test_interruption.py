"""Signals end a command in one line, with a code of their own."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from pathlib import Path

import pytest

SILENT = "import signal; signal.signal(signal.SIGINT, signal.{});"
MAIN = "from holdfast_client.command import main; main()"
IMPORTING = """
import sys
class Interrupted:
    def find_spec(self, name, *_):
        if name == "holdfast_client.command.main":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
"""


async def run(program: str, *words: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", program + MAIN, *words, stdout=pipe, stderr=pipe
    )


@pytest.mark.parametrize(
    ("number", "ctrl_c", "code"),
    [
        (signal.SIGTERM, "default_int_handler", 143),
        (signal.SIGHUP, "SIG_IGN", 129),  # as in the background of a shell
    ],
)
async def test_a_signal_ends_a_command_that_waits(number: signal.Signals, ctrl_c: str, code: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        process = await run(
            SILENT.format(ctrl_c), "--address", f"127.0.0.1:{silent.getsockname()[1]}", "cost"
        )
        async with asyncio.timeout(60):
            connection, _ = await asyncio.get_running_loop().sock_accept(silent)
            process.send_signal(number)
            out, err = await process.communicate()
        connection.close()
    assert (process.returncode, out, err) == (code, b"", b"holdfast: interrupted\n")


async def test_a_closed_terminal_ends_a_command_that_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    process = await run("", "--address", "127.0.0.1:1", "probe", "--port", "0")
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while b"temporal is down" not in await process.stderr.readline():
            pass
        process.send_signal(signal.SIGHUP)
        await process.communicate()
    assert process.returncode == 0


async def test_ctrl_c_during_the_imports_is_one_line() -> None:
    process = await run(IMPORTING, "cost")
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out, err) == (130, b"", b"holdfast: interrupted\n")
