"""The faults: each with the alerts that it must raise."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass

from holdfast import HoldfastError

from .stack import QUEUE, Stack

Fault = Callable[[Stack], AbstractAsyncContextManager[None]]


@dataclass(frozen=True)
class Injected:
    """A fault, the alerts that must fire while it lasts and clear afterwards, and those that others inhibit."""

    name: str
    fault: Fault
    alerts: tuple[str, ...]
    inhibited: tuple[str, ...] = ()


def _switched(name: str, users: int = 0, text: str = "look") -> Fault:
    """A fault of a tool, the model or a workflow, with more users at once."""

    @asynccontextmanager
    async def fault(up: Stack) -> AsyncGenerator[None]:
        (up.faults / name).touch()
        more = [asyncio.create_task(user(up, text)) for _ in range(users)]
        try:
            yield
        finally:
            (up.faults / name).unlink()
            await end(more)

    return fault


async def user(up: Stack, text: str = "look", agent: str = "support", pause: float = 0.5) -> None:
    """Start one session after the other; their errors are what the metrics count."""
    while True:
        with suppress(HoldfastError, TimeoutError):
            async with asyncio.timeout(120):
                await up.client.run(agent, f"{text} at it")
        await asyncio.sleep(pause)


async def end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel these users."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _dead_model(up: Stack) -> AsyncGenerator[None]:
    waiting = [asyncio.create_task(user(up, agent="patient")) for _ in range(8)]
    async with _switched("model dead", users=4)(up):
        try:
            yield
        finally:
            await end(waiting)


@asynccontextmanager
async def _dead_workers(up: Stack) -> AsyncGenerator[None]:
    for number in (0, 1):
        up.kill(f"worker-{number}")
    more = [asyncio.create_task(user(up)) for _ in range(20)]
    try:
        yield
    finally:
        for number in (0, 1):
            await up.stop(f"worker-{number}")
            await up.start_worker(number)
        await end(more)


@asynccontextmanager
async def _dead_temporal(up: Stack) -> AsyncGenerator[None]:
    os.killpg(up.server.info.pid, signal.SIGKILL)
    try:
        yield
    finally:
        await up.server.start()


@asynccontextmanager
async def _no_probe(up: Stack) -> AsyncGenerator[None]:
    await up.stop("probe")
    try:
        yield
    finally:
        await up.start_probe()


@asynccontextmanager
async def _stuck_workflow(up: Stack) -> AsyncGenerator[None]:
    async with _switched("workflow fails")(up):
        await up.client.temporal.start_workflow("Stuck", id="stuck", task_queue=QUEUE)
        yield


@asynccontextmanager
async def _unanswered(up: Stack) -> AsyncGenerator[None]:
    """An approval and an effect with an unknown outcome, which are answered afterwards."""
    sessions = [await up.client.start_task("support", f"{text} for it") for text in ("refund", "pay")]
    try:
        yield
    finally:
        for session in sessions:
            for item in (await session.view()).inbox:
                await (
                    session.approve(item.id)
                    if item.kind == "approval"
                    else session.answer(item.id, "give_up")
                )


def _late(*command: str) -> Fault:
    """Nothing is maintained, or no backup is made, until the command is run again."""

    @asynccontextmanager
    async def fault(up: Stack) -> AsyncGenerator[None]:
        await up.command(*command)
        try:
            yield
        finally:
            await up.command(*command)

    return fault


FAULTS = (
    Injected("tool fails", _switched("tool fails", users=3), ("HoldfastToolErrors",)),
    Injected("tool blocks the event loop", _switched("tool blocks", users=2), ("HoldfastEventLoopBlocked",)),
    Injected(
        "calls hang",
        _switched("calls hang", users=24, text="hang"),
        ("HoldfastTaskSlotsUsedUp", "HoldfastActivityTasksWaiting"),
    ),
    Injected(
        "provider is dead",
        _dead_model,
        (
            "HoldfastModelErrors",
            "HoldfastBreakerOpen",
            "HoldfastRunsWaiting",
            "HoldfastTurnErrors",
            "HoldfastTaskCompletionLow",
        ),
        ("HoldfastTaskCompletionLow",),
    ),
    Injected("model is slow", _switched("model slow", users=6), ("HoldfastModelSlow", "HoldfastTurnsSlow")),
    Injected(
        "workers are killed",
        _dead_workers,
        ("HoldfastHealthChecksFailing", "HoldfastScrapeFailing", "HoldfastNoWorkers", "HoldfastQueueBacklog"),
        ("HoldfastScrapeFailing", "HoldfastQueueBacklog"),
    ),
    Injected("prober is stopped", _no_probe, ("HoldfastProbeMissing",)),
    Injected("Temporal is killed", _dead_temporal, ("HoldfastTemporalRequestsFailing",)),
    Injected("workflow code fails", _stuck_workflow, ("HoldfastWorkflowTasksFailing",)),
    Injected("tool leaks memory", _switched("tool leaks", users=3), ("HoldfastMemoryHigh",)),
    Injected("no one answers", _unanswered, ("HoldfastInboxAgeing", "HoldfastEffectsUnknown")),
    Injected("maintenance stops", _late("maintain", "run"), ("HoldfastMaintenanceLate",)),
    Injected("backups stop", _late("backup"), ("HoldfastBackupLate",)),
)
