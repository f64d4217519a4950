"""The measured processes."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
_STOP = 15.0  # seconds


@dataclass(frozen=True)
class Process:
    """A process, and what it has used."""

    pid: int

    def cpu(self) -> float:
        """Seconds of processor time so far, idle polling included."""
        used = psutil.Process(self.pid).cpu_times()
        return used.user + used.system

    def memory(self) -> float:
        """Resident megabytes."""
        return psutil.Process(self.pid).memory_info().rss / 1e6


@asynccontextmanager
async def python(*arguments: str, log: Path, **environment: str) -> AsyncGenerator[Process]:
    """``python <arguments>`` for the length of the block, without the HOLDFAST_… variables of this process."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=ROOT,
            env={**inherited, **environment},
            stdout=file,
            stderr=file,
        )
        try:
            yield Process(process.pid)
        finally:
            if process.returncode is None:
                process.terminate()
            try:
                async with asyncio.timeout(_STOP):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
