"""Run one program in the sandbox, within its limits."""

import asyncio
import json
import os
import platform
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast_workflows.contracts.errors import SandboxUnavailable, ToolError
from holdfast_workflows.contracts.tools.code import CodeSettings

from . import seccomp, watch
from .interpreter import Interpreter
from .sandbox import command

_WATCHED: Final = 0.05
"""Seconds between two looks at the memory."""

_PIECE: Final = 65_536


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended. ``stopped`` is the limit that ended it; ``code`` is None if it did not start."""

    code: int | None
    output: bytes
    stopped: str = ""


async def run(settings: CodeSettings, interpreter: Interpreter, language: str, code: str) -> Outcome:
    """Run a program; nothing of it is left when this returns or is cancelled.

    Raises:
        SandboxUnavailable: There is no sandbox on this machine.
        ToolError: An input file is missing.
    """
    calls_filter = seccomp.program(platform.machine())
    if calls_filter is None:
        raise SandboxUnavailable(
            f"there is no filter of system calls for {platform.machine()}; use x86_64 or aarch64"
        )
    with ExitStack() as stack:
        status, told = os.pipe()
        stack.callback(os.close, status)
        opened = [told]
        try:
            program, calls = _memory_file(code.encode()), _memory_file(calls_filter)
            opened += [program, calls]
            files = _inputs(settings.files, opened)
            made = command(
                settings, interpreter, language, code=program, files=files, refused=calls, status=told
            )
            async with _started(made, opened) as process:
                while opened:
                    os.close(opened.pop())
                output, stopped = await _followed(process, settings)
            exit_code = process.returncode
        finally:
            for number in opened:
                os.close(number)
        return Outcome(exit_code if _has_run(status) else None, output, stopped)


@asynccontextmanager
async def _started(made: list[str], passed: list[int]) -> AsyncGenerator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *made,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={},
        cwd="/",
        pass_fds=passed,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            watch.end(process.pid)
            # The event loop reports the end of a process only after its output was read.
            assert process.stdout is not None
            while await process.stdout.read(_PIECE):
                pass
            await process.wait()


async def _followed(process: asyncio.subprocess.Process, settings: CodeSettings) -> tuple[bytes, str]:
    """The program's output, and the limit that it exceeded, if any."""
    output, stopped = bytearray(), ""
    running = asyncio.create_task(_ended(process, output, settings.output))
    watching = asyncio.create_task(_too_much(process.pid, settings.memory))
    try:
        done, _ = await asyncio.wait(
            {running, watching}, timeout=settings.timeout, return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            stopped = f"it did not end within {settings.timeout:g} s"
        elif running not in done:
            stopped = f"it used more than {settings.memory:,} bytes of memory"
        elif len(output) > settings.output:
            stopped = f"it wrote more than {settings.output:,} bytes of output"
    finally:
        for task in (running, watching):
            task.cancel()
        await asyncio.gather(running, watching, return_exceptions=True)
    return bytes(output[: settings.output]), stopped


async def _ended(process: asyncio.subprocess.Process, output: bytearray, most: int) -> None:
    """Collect the output until the program ends, or has written too much. It may close its output and go on."""
    assert process.stdout is not None
    while piece := await process.stdout.read(_PIECE):
        output += piece
        if len(output) > most:
            return
    await process.wait()


async def _too_much(pid: int, most: int) -> None:
    """Return once the sandbox holds too much memory. Each process has that limit; this is for all together."""
    while watch.memory(pid) <= most:  # noqa: ASYNC110 - the kernel does not report it
        await asyncio.sleep(_WATCHED)


def _inputs(files: Mapping[str, str], opened: list[int]) -> dict[str, int]:
    """Open the declared files, as the worker; the sandbox copies them."""
    found: dict[str, int] = {}
    for name, path in files.items():
        try:
            found[name] = os.open(Path(path), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise ToolError(f"the input file {name!r} is missing on this worker: {error.strerror}") from None
        opened.append(found[name])
    return found


def _memory_file(data: bytes) -> int:
    number = os.memfd_create("holdfast")
    os.write(number, data)
    os.lseek(number, 0, os.SEEK_SET)
    return number


def _has_run(status: int) -> bool:
    """Whether the sandbox was complete and started the program, by what it reports at its end."""
    os.set_blocking(status, False)
    try:
        lines = os.read(status, _PIECE).splitlines()
    except BlockingIOError:
        return False
    return any("exit-code" in json.loads(line) for line in lines)
