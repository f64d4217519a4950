"""Faults of what sessions work with: tools, models, budgets, people."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

from .app import THRIFTY
from .stack import QUEUE, Stack
from .users import User, working

Fault = Callable[[Stack], AbstractAsyncContextManager[None]]

_COUNTS = ("model_calls", "tool_calls", "input_tokens", "output_tokens", "cached_tokens", "unpriced_tokens")
_BURNED = 0.55
"""The share of the tenant's budget that is spent quickly; the rest is spent slowly enough to see it coming."""


def used(user: User, number: int, switch: str = "") -> Fault:
    """A fault that users meet; a file switches it on."""

    @asynccontextmanager
    async def fault(up: Stack) -> AsyncGenerator[None]:
        async with working(up, user, number):
            if switch:
                (up.faults / switch).touch()
            try:
                yield
            finally:
                (up.faults / switch).unlink() if switch else None

    return fault


@asynccontextmanager
async def dead_provider(up: Stack) -> AsyncGenerator[None]:
    """The server of a provider is killed; some agents wait for it, others fail at once."""
    async with AsyncExitStack() as stack:
        for agent in ("patient", "hasty"):
            await stack.enter_async_context(working(up, User(agent=agent), 8))
        up.kill("spare")
        try:
            yield
        finally:
            await up.stop("spare")
            await up.start_model("spare")


@asynccontextmanager
async def spent_budget(up: Stack) -> AsyncGenerator[None]:
    """A tenant spends its budget: half of it at once, the rest over some minutes."""

    async def spend() -> None:
        async with working(up, User(tenant=THRIFTY, pause=0), 3):
            while await _budget_used(up) < _BURNED:  # noqa: ASYNC110 # of another process
                await asyncio.sleep(1)
        await User(tenant=THRIFTY, pause=2).work(up)

    spending = asyncio.create_task(spend())
    try:
        yield
    finally:
        spending.cancel()
        await asyncio.gather(spending, return_exceptions=True)


async def _budget_used(up: Stack) -> float:
    found = await up.query('max(holdfast_budget_used_ratio{account="tenant"})')
    return float(found[0]["value"][1]) if found else 0.0


@asynccontextmanager
async def expensive_model(up: Stack) -> AsyncGenerator[None]:
    """An expensive model is used, a "day" after the first figures."""
    await asyncio.to_thread(_spend_yesterday, up.home / "holdfast" / "state.db")
    end = time.time() + 600
    before = f"sum(holdfast_cost_today_dollars offset {2_000 / up.speed:.0f}s)"
    while time.time() < end and not await up.query(before):  # noqa: ASYNC110 # of another process
        await asyncio.sleep(1)
    await asyncio.gather(*(User(agent="expensive").ask(up) for _ in range(3)))
    yield


def _spend_yesterday(state: Path) -> None:
    """Write a cost of yesterday's first hour: without a day before, the forecast of a day's first hours is rough."""
    row = {
        "session": "yesterday",
        "hour": (int(time.time()) // 86_400 - 1) * 24,
        **dict.fromkeys(("agent", "model", "tool", "tenant", "user", "app"), ""),
        **dict.fromkeys(_COUNTS, 0),
        "micros": 1_000,
    }
    with closing(sqlite3.connect(state, timeout=60)) as database, database:
        columns = ", ".join(f'"{name}"' for name in row)
        values = ", ".join("?" * len(row))
        database.execute(f"INSERT INTO holdfast_cost ({columns}) VALUES ({values})", [*row.values()])


@asynccontextmanager
async def stuck_workflow(up: Stack) -> AsyncGenerator[None]:
    """The tasks of a workflow fail again and again."""
    async with used(User(), 0, "workflow fails")(up):
        await up.client.temporal.start_workflow("Stuck", id="stuck", task_queue=QUEUE)
        yield


@asynccontextmanager
async def busy_workflows(up: Stack) -> AsyncGenerator[None]:
    """More workflows compute at once than workers have slots for."""
    temporal, stop = up.client.temporal, asyncio.Event()

    async def work(number: int) -> None:
        count = 0
        while not stop.is_set():
            count += 1
            await temporal.execute_workflow("Busy", id=f"busy-{number}-{count}", task_queue=QUEUE)

    tasks = [asyncio.create_task(work(number)) for number in range(60)]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def unanswered(up: Stack) -> AsyncGenerator[None]:
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


@asynccontextmanager
async def expired(up: Stack) -> AsyncGenerator[None]:
    """Approvals pass their deadline without an answer."""
    for _ in range(2):
        await up.client.start_task("impatient", "refund for it")
    yield
