"""The faults: how each is seeded, the command that names it, and the words by which it does."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from temporalio.client import WorkflowHandle

from holdfast.testing import ScriptedModel, unauthorized
from holdfast_temporal import probe

from .world import APP, World

_WAIT = 60.0


@dataclass(frozen=True)
class Found:
    """What a command printed, and how long it took."""

    command: str
    output: str
    seconds: float


@dataclass(frozen=True)
class Fault:
    """A fault. ``words`` are those of the output that name it."""

    name: str
    seed: Callable[[World], Awaitable[Found]]
    words: str


async def _doctor(world: World, check: str, *more: str, app: str = APP, **settings: str) -> Found:
    words = ("doctor", app, "--only", check, *more)
    output, seconds = await world.operate(*words, **settings)
    return Found(f"holdfast doctor --only {check} {' '.join(more)}".strip(), output, seconds)


async def _trace(world: World, session: str) -> Found:
    output, seconds = await world.operate("trace", session)
    return Found("holdfast trace SESSION", output, seconds)


async def dead_provider(world: World) -> Found:
    """The address of the provider is closed."""
    (port,) = probe.free_ports(1)
    return await _doctor(world, "models", "--call-models", OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1")


async def wrong_key(world: World) -> Found:
    """The provider refuses the key."""
    async with ScriptedModel(lambda _: unauthorized()) as model:
        return await _doctor(world, "models", "--call-models", OPENAI_BASE_URL=model.openai_url)


async def wrong_database(world: World) -> Found:
    """The settings name another state database than the queue is bound to."""
    url = f"sqlite:///{world.folder / 'other.db'}"
    await world.operate("state", "upgrade", "--url", url)
    return await _doctor(world, "binding", HOLDFAST_STATE_URL=url)


async def missing_tables(world: World) -> Found:
    """The tables were not created."""
    return await _doctor(world, "state", HOLDFAST_STATE_URL=f"sqlite:///{world.folder / 'empty.db'}")


async def full_disk(world: World) -> Found:
    """The file system of the state database is full; needs root, to mount a small one."""
    small = world.folder / "small"
    small.mkdir()
    await asyncio.to_thread(_run, "mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small))
    try:
        url = f"sqlite:///{small / 'state.db'}"
        await world.operate("state", "upgrade", "--url", url)
        await asyncio.to_thread(_fill, str(small / "rest"))
        return await _doctor(world, "disk", HOLDFAST_STATE_URL=url)
    finally:
        await asyncio.to_thread(_run, "umount", str(small))


async def old_build(world: World) -> Found:
    """The build decides otherwise than the sessions of the queue."""
    build = (sys.executable, "-m", "benchmarks.faults.other_build")
    output, seconds = await world.operate("doctor", APP, "--only", "replays", build=build)
    return Found("holdfast doctor --only replays", output, seconds)


async def open_breaker(world: World) -> Found:
    """A breaker refuses all calls of a provider."""
    await world.operate("breaker", "open", "provider:openai", "--reason", "drill", "--for", "600")
    found = await _doctor(world, "breakers")
    await world.operate("breaker", "close", "provider:openai")
    return found


async def missing_secret(world: World) -> Found:
    """A secret that the App names has no value."""
    return await _doctor(world, "secrets", app="benchmarks.faults.app:needy")


async def dead_memory(world: World) -> Found:
    """The memory store does not answer."""
    (port,) = probe.free_ports(1)
    return await _doctor(world, "memory", HOLDFAST_MEMORY_URL=f"postgresql://m:m@127.0.0.1:{port}/memories")


async def dead_worker(world: World) -> Found:
    """The worker that monitoring names is gone."""
    (port,) = probe.free_ports(1)
    return await _doctor(world, "metrics", "--worker", f"http://127.0.0.1:{port}")


async def stuck_approval(world: World) -> Found:
    """A call waits for a person."""
    session = await world.client.start("clerk", "Please refund order 42")
    async with asyncio.timeout(_WAIT):
        while not (await session.view()).inbox:  # noqa: ASYNC110 # the session is in another process
            await asyncio.sleep(0.1)
    return await _trace(world, session.id)


async def slow_tool(world: World) -> Found:
    """A tool takes most of a turn."""
    session = await world.client.start("clerk", "Please search for lamps")
    await session.wait()
    return await _trace(world, session.id)


async def killed_worker(world: World) -> Found:
    """A worker dies during a call."""
    session = await world.client.start("clerk", "Please search for lamps")
    handle = world.client.temporal.get_workflow_handle(session.id)
    async with asyncio.timeout(_WAIT):
        while "search" not in await _pending(handle):  # noqa: ASYNC110 # as above
            await asyncio.sleep(0.05)
    await world.end_workers()
    await world.add_worker()
    await session.wait()
    return await _trace(world, session.id)


async def no_worker(world: World) -> Found:
    """No worker serves the queue."""
    await world.end_workers(signal.SIGTERM)
    starting = asyncio.create_task(world.client.start("clerk", "Hello", id="unserved"))
    await asyncio.sleep(2)
    found = await _trace(world, "unserved")
    await world.add_worker()
    await starting
    return found


async def _pending(handle: WorkflowHandle[Any, Any]) -> list[str]:
    """The types of the activities that run."""
    described = (await handle.describe()).raw_description
    return [each.activity_type.name for each in described.pending_activities]


FAULTS = (
    Fault("the provider is dead", dead_provider, "failed temporarily"),
    Fault("the provider's key is wrong", wrong_key, "check the API key"),
    Fault("wrong state database", wrong_database, "this worker has"),
    Fault("the tables are missing", missing_tables, "holdfast state upgrade"),
    Fault("full disk", full_disk, "the disk is full"),
    Fault("a build that decides otherwise", old_build, "are decided differently"),
    Fault("an open breaker", open_breaker, "provider:openai (drill)"),
    Fault("a secret without a value", missing_secret, "A_SECRET_THAT_IS_NOT_THERE"),
    Fault("the memory store is dead", dead_memory, "FAILED memory"),
    Fault("a dead worker", dead_worker, "Connection refused"),
    Fault("a stuck approval", stuck_approval, "waits for a person"),
    Fault("a slow tool", slow_tool, "the longest was search"),
    Fault("a worker killed during a call", killed_worker, "lost with the worker"),
    Fault("no worker", no_worker, "no worker answered"),
)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=20)


def _fill(path: str) -> None:
    with open(path, "wb") as file:  # noqa: PTH123 # unbuffered writes until the device is full
        try:
            while True:
                os.write(file.fileno(), b"x" * 4_096)
        except OSError:
            return
