"""Faults of processes and stores: workers, the prober, Temporal, the memory store, schedules."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from .stack import Stack
from .users import User, working
from .work_faults import Fault

_VERSION = "0.0.1"


def killed_workers(numbers: Sequence[int], users: int) -> Fault:
    """Workers are killed while users start sessions, and started again."""

    @asynccontextmanager
    async def fault(up: Stack) -> AsyncGenerator[None]:
        for number in numbers:
            up.kill(f"worker-{number}")
        async with working(up, User(), users):
            try:
                yield
            finally:
                for number in numbers:
                    await up.stop(f"worker-{number}")
                    await up.start_worker(number)

    return fault


@asynccontextmanager
async def other_build(up: Stack) -> AsyncGenerator[None]:
    """A worker with another version of Holdfast serves the queue."""
    folder = up.home / "other" / f"holdfast-{_VERSION}.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: holdfast\nVersion: {_VERSION}\n")
    await up.start_worker(2, PYTHONPATH=str(folder.parent))
    up.find_workers(3)
    try:
        yield
    finally:
        await up.stop("worker-2")
        up.find_workers(2)


@asynccontextmanager
async def cut_network(up: Stack) -> AsyncGenerator[None]:
    """Workers cannot reach Temporal. The prober can: else its alert would inhibit theirs."""
    await up.network.cut()
    try:
        yield
    finally:
        await up.network.connect()


@asynccontextmanager
async def no_probe(up: Stack) -> AsyncGenerator[None]:
    """The prober is stopped."""
    await up.stop("probe")
    try:
        yield
    finally:
        await up.start_probe()


@asynccontextmanager
async def dead_memory(up: Stack) -> AsyncGenerator[None]:
    """The memory store is killed while sessions remember their turns."""
    await asyncio.to_thread(up.memory.kill)
    try:
        async with working(up, User(agent="mindful"), 12):
            yield
    finally:
        await asyncio.to_thread(up.memory.start)


def paused(schedule: str, *, empty: bool = False) -> Fault:
    """A schedule is paused; ``empty``: its folder of backups is lost, too."""

    @asynccontextmanager
    async def fault(up: Stack) -> AsyncGenerator[None]:
        handle = up.client.temporal.get_schedule_handle(schedule)
        await handle.pause(note="a fault of the run")
        if empty:
            for path in (up.home / "backups").iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        try:
            yield
        finally:
            await handle.unpause()

    return fault
