"""Speed: tasks in a second of one worker, and the latency of the servers."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from ..examined import Examined
from ..findings import Finding, failed, ok, warning, worst
from ..scratch.model import REPLY

_TASKS: Final = 20
_AT_ONCE: Final = 5
_CALLS: Final = 20
_SLOW: Final = {"Temporal": 0.1, "the state database": 0.05}
"""Seconds of a median request above which sessions are noticeably slow."""


async def check(examined: Examined) -> Finding:
    """Run tasks of one step with a model that answers at once."""
    floor = examined.options.floor
    made = await examined.scratch()
    await made.run("steady")  # the first one also loads code and agents
    places, began = asyncio.Semaphore(_AT_ONCE), time.monotonic()

    async def one() -> bool:
        async with places:
            return (await made.run("steady")).said == REPLY

    answered = sum(await asyncio.gather(*(one() for _ in range(_TASKS))))
    rate = _TASKS / (time.monotonic() - began)
    if answered < _TASKS:
        return failed(f"{_TASKS - answered} of {_TASKS} tasks got no reply", "look at the log of the workers")
    if rate < floor:
        return failed(
            f"one worker runs {rate:.1f} tasks in a second, less than {floor:g}",
            "see the check of latency, and the processor of this machine and of Temporal",
        )
    return ok(f"one worker runs {rate:.1f} tasks in a second, {_AT_ONCE} at once; the floor is {floor:g}")


async def check_latency(examined: Examined) -> Finding:
    """Measure requests to Temporal and the state database."""
    client, state = await examined.client(), await examined.state()
    medians = {
        "Temporal": await _median(lambda: client.service_client.check_health(timeout=timedelta(seconds=5))),
        "the state database": await _median(state.ping),
    }
    slow = [
        warning(
            f"{name} answers in {seconds * 1_000:.0f} ms", "run workers near it, or give it a faster machine"
        )
        for name, seconds in medians.items()
        if seconds > _SLOW[name]
    ]
    listed = ", ".join(f"{name} in {seconds * 1_000:.1f} ms" for name, seconds in medians.items())
    return worst(slow, f"median answers: {listed}")


async def _median(request: Callable[[], Awaitable[object]]) -> float:
    seconds: list[float] = []
    for _ in range(_CALLS):
        began = time.monotonic()
        await request()
        seconds.append(time.monotonic() - began)
    return statistics.median(seconds)
