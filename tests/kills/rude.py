"""An App with misbehaving tools."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable

from holdfast import Agent, App, ToolContext, tool
from holdfast_workflows.contracts.agent.spec import RetryPolicy

from . import ledger


class Nasty(BaseException):
    """An exception that no library handles."""


class Mute(Exception):
    """An error that cannot be read."""

    def __str__(self) -> str:
        raise ValueError("not even this")

    __repr__ = __str__


class Opaque:
    """A value that cannot be read."""

    def __repr__(self) -> str:
        raise Nasty

    __str__ = __repr__


class Hostile(str):
    """A text that cannot be read."""

    __slots__ = ()

    def __str__(self) -> str:
        raise Nasty


def _endless() -> object:
    while True:
        yield "more"


def _cyclic() -> object:
    ring: list[object] = []
    ring.append(ring)
    return ring


def _deep() -> object:
    return _deep()


async def _exit_later() -> None:
    await asyncio.sleep(0.05)
    sys.exit(7)


_left: list[object] = []

RAISED: dict[str, BaseException] = {
    "SystemExit": SystemExit(7),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "GeneratorExit": GeneratorExit(),
    "RecursionError": RecursionError("deep"),
    "MemoryError": MemoryError(),
    "Nasty": Nasty(),
    "Mute": Mute(),
    "CancelledError": asyncio.CancelledError(),
    "StopIteration": StopIteration(),
    "group": BaseExceptionGroup("all", [Nasty(), SystemExit(7)]),
}
RETURNED: dict[str, Callable[[], object]] = {
    "nan": lambda: [float("nan"), float("inf")],
    "bytes": lambda: b"\xff\xfe",
    "cyclic": _cyclic,
    "opaque": Opaque,
    "hostile": lambda: Hostile("x"),
    "endless": _endless,
    "large": lambda: "x" * 50_000_000,
    "deep": _deep,
}
LEFT = ("task", "thread", "exiting task", "deaf task")


def misbehave(what: str) -> object:
    """Raise, return or leave behind what ``what`` names."""
    if what in RAISED:
        raise RAISED[what]
    if what == "thread":
        threading.Thread(target=time.sleep, args=(300,)).start()
    return RETURNED[what]() if what in RETURNED else "left"


async def _wait() -> None:
    await asyncio.sleep(300)


async def _deaf() -> None:
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue


@tool(retries=0, breaker=False)
async def rude(what: str) -> object:
    """Misbehave on the event loop.

    Args:
        what: How.
    """
    jobs = {"task": _wait, "exiting task": _exit_later, "deaf task": _deaf}
    if what in jobs:
        _left.append(asyncio.create_task(jobs[what]()))
    return misbehave(what)


@tool(retries=0, breaker=False)
def rude_thread(what: str) -> object:
    """Misbehave in a thread.

    Args:
        what: How.
    """
    return misbehave(what)


@tool
async def block(seconds: float) -> str:
    """Block the event loop.

    Args:
        seconds: For how long.
    """
    time.sleep(seconds)  # noqa: ASYNC251  # blocking is the purpose
    return "blocked"


@tool
async def look(seconds: float, ctx: ToolContext) -> str:
    """Look, and record every attempt.

    Args:
        seconds: For how long.
    """
    await asyncio.to_thread(ledger.post, os.environ["HOLDFAST_TEST_LEDGER"], ctx.key, "looked")
    await asyncio.sleep(seconds)
    return "seen"


_SOON = RetryPolicy(attempts=3, first_delay=0.1, max_delay=0.5)

app = App(
    agents=[
        Agent(
            "clerk",
            model="openai:scripted",
            tools=[rude, rude_thread, block, look],
            model_retry=_SOON,
            max_steps=100,
        )
    ]
)
