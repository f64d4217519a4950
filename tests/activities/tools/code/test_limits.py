"""Limits of programs, and what is left of them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from holdfast import ToolError
from holdfast_activities.tools.code.interpreter import Interpreter
from holdfast_activities.tools.code.run import Outcome, run
from holdfast_workflows.contracts.tools.code import CodeSettings

from .attempts import program

FORKS = """
import os, time
made = 0
try:
    while made < 200:
        if not os.fork():
            time.sleep(30)
            os._exit(0)
        made += 1
except OSError:
    pass
print(made, flush=True)
"""

FAMILY = """
import os, time
for _ in range(8):
    if not os.fork():
        held = bytearray(40_000_000)
        held[::4096] = b"x" * len(held[::4096])
        time.sleep(30)
        os._exit(0)
time.sleep(30)
"""

FILL = """
written = 0
try:
    for number in range(100):
        with open(f"{FOLDER}/{number}", "wb") as file:
            written += file.write(bytes(1_000_000))
except OSError as error:
    print(written // 1_000_000, error.strerror)
"""


async def of(interpreter: Interpreter, code: str, language: str = "python", **limits: float) -> Outcome:
    return await run(CodeSettings.model_validate(limits), interpreter, language, code)


def mark() -> str:
    """An argument by which the processes of a test are found on the host."""
    return f"holdfast-test-{os.getpid()}-{time.monotonic_ns()}"


def left(name: str) -> list[int]:
    return [each.pid for each in psutil.process_iter(["cmdline"]) if name in (each.info["cmdline"] or [])]


async def until(name: str, *, there: bool) -> None:
    """Wait until a program's processes are there, or gone."""
    async with asyncio.timeout(20):
        while bool(left(name)) != there:  # noqa: ASYNC110 - the system does not report it
            await asyncio.sleep(0.02)


def daemon(name: str) -> str:
    """A program whose grandchild is in a session of its own and ignores signals."""
    return f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", {name!r}], start_new_session=True)
print("ready", flush=True)
"""


async def test_a_fork_bomb_ends_at_the_number_of_processes(interpreter: Interpreter) -> None:
    outcome = await of(interpreter, FORKS, processes=16)
    assert outcome.code == 0
    assert int(outcome.output) < 16


async def test_one_process_cannot_take_more_memory(interpreter: Interpreter) -> None:
    outcome = await of(interpreter, "x = bytearray(300_000_000)", memory=200_000_000)
    assert outcome.code == 1
    assert b"MemoryError" in outcome.output


@pytest.mark.parametrize("watched", [True, False])
async def test_processes_together_cannot_take_more_memory(
    interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch, watched: bool
) -> None:
    if not watched:

        def nothing(_: int) -> int:
            return 0

        monkeypatch.setattr("holdfast_activities.tools.code.watch.memory", nothing)
    outcome = await of(interpreter, FAMILY, memory=200_000_000, timeout=10.0 if watched else 1.5)
    assert ("bytes of memory" in outcome.stopped) == watched


@pytest.mark.parametrize("folder", ["/work", "/tmp", "/dev/shm"])
async def test_a_folder_can_be_filled_to_its_size(interpreter: Interpreter, folder: str) -> None:
    outcome = await of(interpreter, FILL.replace("{FOLDER}", folder), disk=5_000_000)
    written, why = outcome.output.decode().split(" ", 1)
    assert int(written) <= (16 if folder == "/dev/shm" else 5)
    assert why.strip() == "No space left on device"


async def test_one_file_cannot_be_larger_than_the_folder(interpreter: Interpreter) -> None:
    outcome = await of(interpreter, "open('x', 'wb').truncate(10_000_000)", disk=5_000_000)
    assert b"File too large" in outcome.output or outcome.code == 153


async def test_a_flood_of_output_ends_the_program(interpreter: Interpreter) -> None:
    outcome = await of(interpreter, "while True: print('x' * 1000)", output=10_000)
    assert outcome.stopped == "it wrote more than 10,000 bytes of output"
    assert len(outcome.output) == 10_000


async def test_a_program_that_closes_its_output_is_still_limited(interpreter: Interpreter) -> None:
    outcome = await of(interpreter, "import os, time; os.close(1); os.close(2); time.sleep(60)", timeout=1)
    assert outcome.stopped == "it did not end within 1 s"


async def test_many_floods_at_once_end(interpreter: Interpreter) -> None:
    async with asyncio.timeout(60):
        floods = [of(interpreter, "while True: print('x' * 1000)", output=1_000) for _ in range(6)]
        assert {each.stopped[:14] for each in await asyncio.gather(*floods)} == {"it wrote more "}


async def test_processor_time_ends_the_program(interpreter: Interpreter) -> None:
    outcome = await of(interpreter, "while True: pass", cpu_seconds=1, timeout=20)
    assert outcome.code in (137, 152)


@pytest.mark.parametrize("how", ["end", "timeout", "cancel", "flood"])
async def test_no_process_is_left(interpreter: Interpreter, how: str) -> None:
    name = mark()
    more = {
        "end": "",
        "timeout": "time.sleep(60)",
        "cancel": "time.sleep(60)",
        "flood": "while True: print('x')",
    }
    running_now = asyncio.create_task(of(interpreter, daemon(name) + more[how], timeout=1.5))
    if how in ("timeout", "cancel"):
        await until(name, there=True)
    if how == "cancel":
        running_now.cancel()
    done, _ = await asyncio.wait({running_now}, timeout=20)
    assert done
    assert running_now.cancelled() == (how == "cancel")
    if how == "timeout":
        assert running_now.result().stopped == "it did not end within 1.5 s"
    await until(name, there=False)


async def test_no_process_is_left_of_a_killed_worker(interpreter: Interpreter) -> None:
    name = mark()
    worker = f"""
import asyncio
from holdfast_activities.tools.code.interpreter import Interpreter
from holdfast_activities.tools.code.run import run
from holdfast_workflows.contracts.tools.code import CodeSettings
asyncio.run(run(CodeSettings(), {interpreter!r}, "python", {daemon(name) + "time.sleep(60)"!r}))
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", worker)
    await until(name, there=True)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await until(name, there=False)


async def test_nothing_is_kept_for_the_next_program(interpreter: Interpreter) -> None:
    for _ in range(2):
        outcome = await of(
            interpreter, "import os; print(os.listdir('/work'), os.listdir('/tmp')); open('a', 'w')"
        )
        assert outcome.output == b"[] []\n"


async def test_files_are_copies_that_cannot_be_changed(interpreter: Interpreter, tmp_path: Path) -> None:
    source = tmp_path / "numbers.csv"
    source.write_text("1,2,3")
    source.chmod(0o600)
    settings = CodeSettings(files={"numbers.csv": str(source)})
    code = program("print(open('numbers.csv').read(), flush=True); open('numbers.csv', 'w')")
    outcome = await run(settings, interpreter, "python", code)
    assert outcome.output.startswith(b"1,2,3\ncontained: ")
    source.unlink()
    with pytest.raises(ToolError, match=r"'numbers\.csv' is missing"):
        await run(settings, interpreter, "python", code)


async def test_a_shell_runs_in_the_same_sandbox(interpreter: Interpreter) -> None:
    outcome = await of(interpreter, "id -u; echo $HOME; cat /etc/shadow; exit 3", "shell")
    assert outcome.code == 3
    assert outcome.output.startswith(b"65534\n/work\n")
    assert b"No such file" in outcome.output
