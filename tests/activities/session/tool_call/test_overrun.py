"""Calls that must happen once and outlive their time: none is followed by another while it may still be at work."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from holdfast import Tool, ToolContext, tool
from holdfast_activities import clock
from holdfast_activities.session.common import run_tool
from holdfast_activities.session.tool_call import once, process
from holdfast_activities.session.tool_call.ledger import Claim, Ledger
from holdfast_activities.state import State
from holdfast_activities.state.coordination.approvals import Use
from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.session.steps import ActMode, ActResult

from .call_runner import ALIVE, ELSEWHERE, LOST, WAIT, CallRunner
from .payment_tools import PaymentTools

TIME = 0.1


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for long."""
    monkeypatch.setattr(once, "GRACE", 0.0)
    monkeypatch.setattr(run_tool, "STOPPING", 0.1)


class Slow:
    """Tools that book when a test lets them, and the probe that finds what was booked."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.entered = threading.Event()
        self.booked: list[str] = []

    def _find(self, ctx: ToolContext) -> str | None:
        return f"{ctx.key} found" if ctx.key in self.booked else None

    def in_thread(self, more: float = TIME) -> Tool[..., Any]:
        """A function that is not async."""

        @tool(effect="once", breaker=False, timeout=more, probe=self._find)
        def book(order: str, ctx: ToolContext) -> str:
            """Book."""
            self.entered.set()
            assert self.opened.wait(WAIT)
            self.booked.append(ctx.key)
            return f"booked {order}"

        return book

    def deaf(self) -> Tool[..., Any]:
        """A function that does not hear that it is cancelled."""

        @tool(effect="once", breaker=False, timeout=TIME, probe=self._find)
        async def book(order: str, ctx: ToolContext) -> str:
            """Book."""
            while not self.opened.is_set():
                try:
                    await asyncio.sleep(0.01)
                except asyncio.CancelledError:
                    continue
            self.booked.append(ctx.key)
            return f"booked {order}"

        return book

    def shielded(self) -> Tool[..., Any]:
        """A function that cleans up for long when it is cancelled."""

        @tool(effect="once", breaker=False, timeout=TIME, probe=self._find)
        async def book(order: str, ctx: ToolContext) -> str:
            """Book."""
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.to_thread(self.opened.wait, WAIT)
                self.booked.append(ctx.key)
            return f"booked {order}"

        return book


KINDS: dict[str, Callable[[Slow], Tool[..., Any]]] = {
    "a thread": Slow.in_thread,
    "deaf to its cancel": Slow.deaf,
    "long in its clean-up": Slow.shielded,
}


async def settled(runner: CallRunner, status: str) -> None:
    """Wait until the ledger says so."""
    async with asyncio.timeout(WAIT):
        while (await runner.row()).status != status:  # noqa: ASYNC110 - a database says no word by itself
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", [{"again": True}, {"attempt": 2, "again": True}, {"mode": "retry"}])
async def test_what_cannot_be_stopped_goes_to_a_person_and_is_not_made_again(
    state: State, session: str, kind: str, more: dict[str, Any]
) -> None:
    slow = Slow()
    runner = CallRunner(state, session, KINDS[kind](slow))
    try:
        for asked in ({}, more):
            told: ActResult = await runner.act("book", **asked)
            assert told.unknown
            assert "may still be at work" in told.preview
    finally:
        slow.opened.set()
    if kind != "long in its clean-up":
        await settled(runner, "settled")
    assert len(slow.booked) <= 1


@pytest.mark.parametrize("kind", ["a thread", "deaf to its cancel"])
async def test_what_it_returns_in_the_end_is_found_by_who_decides(
    state: State, session: str, kind: str
) -> None:
    slow = Slow()
    runner = CallRunner(state, session, KINDS[kind](slow))
    assert (await runner.act("book")).unknown
    slow.opened.set()
    await settled(runner, "settled")
    modes: tuple[ActMode, ...] = ("retry", "confirm", "give_up")
    for mode in modes:
        assert (await runner.act("book", mode=mode, text="said", again=True)).preview == "booked 42"
    assert len(slow.booked) == 1


async def test_a_thread_that_ends_a_moment_after_its_time_has_a_result(
    state: State, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_tool, "STOPPING", WAIT)
    slow = Slow()
    runner = CallRunner(state, session, slow.in_thread())
    acting = asyncio.create_task(runner.act("book"))
    await asyncio.sleep(2 * TIME)
    slow.opened.set()
    assert (await acting).preview == "booked 42"


@pytest.mark.parametrize("by_session", [True, False])
async def test_what_a_thread_did_though_it_was_cancelled_is_settled(
    state: State, session: str, by_session: bool
) -> None:
    slow = Slow()
    runner = CallRunner(state, session, slow.in_thread(more=30.0))
    acting = asyncio.create_task(runner.act("book"))
    assert await asyncio.to_thread(slow.entered.wait, WAIT)
    runner.cancel(by_session=by_session)
    await asyncio.sleep(0.05)
    slow.opened.set()
    assert (await acting).preview == "booked 42"
    assert (await runner.row()).status == "settled"


async def test_what_a_function_raises_when_it_is_stopped_says_nothing_of_what_it_did(
    state: State, session: str
) -> None:
    async def breaks() -> object:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("the line broke")

    runner = CallRunner(state, session, PaymentTools().pay(breaks, timeout=TIME))
    assert (await runner.act("pay")).unknown


@pytest.mark.parametrize(
    "by", [ALIVE, ELSEWHERE, "the token of an older build"], ids=["alive", "elsewhere", "older"]
)
async def test_that_a_call_did_not_happen_is_not_believed_while_its_worker_may_be_at_it(
    state: State, session: str, by: str
) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(probe=lambda: None))
    await runner.claimed("pay", ago=100, by=by)
    told = await runner.act("pay", again=True)
    assert told.unknown
    assert "it still may" in told.preview
    assert payments.paid == []
    # A person takes it upon himself.
    assert (await runner.act("pay", mode="retry", again=True)).preview == "paid 42"


@pytest.mark.parametrize("by", [ALIVE, ELSEWHERE, LOST], ids=["alive", "elsewhere", "lost"])
async def test_that_a_call_happened_is_believed_of_any_worker(state: State, session: str, by: str) -> None:
    runner = CallRunner(state, session, PaymentTools().pay(probe=lambda: "paid before"))
    await runner.claimed("pay", ago=100, by=by)
    assert (await runner.act("pay", again=True)).preview == "paid before"


async def test_before_a_call_is_made_again_by_a_persons_word_the_probe_is_asked(
    state: State, session: str
) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(probe=lambda: "paid after all"))
    await runner.claimed("pay", ago=100, status="unknown", by=ELSEWHERE)
    assert (await runner.act("pay", mode="retry", again=True)).preview == "paid after all"
    assert payments.paid == []


async def test_a_worker_that_wakes_leaves_a_call_that_a_person_is_asked_about(
    state: State, session: str
) -> None:
    payments = PaymentTools()
    opened = asyncio.Event()

    async def slow() -> object:
        await opened.wait()
        return "paid"

    runner = CallRunner(state, session, payments.pay(slow, probe=lambda: None))
    acting = asyncio.create_task(runner.act("pay"))
    async with asyncio.timeout(WAIT):
        while not payments.paid:  # noqa: ASYNC110 - a list is all that it leaves
            await asyncio.sleep(0.005)
    await state.effects.mark((await runner.row()).key, "unknown", result="it still may")
    runner.cancel(by_session=False)
    with pytest.raises(asyncio.CancelledError):
        await acting
    assert (await runner.row()).status == "unknown"


async def test_a_worker_that_stops_says_that_it_is_not_at_it_any_more(state: State, session: str) -> None:
    payments = PaymentTools()
    opened = asyncio.Event()

    async def slow() -> object:
        await opened.wait()
        return "paid"

    runner = CallRunner(state, session, payments.pay(slow, probe=lambda: None))
    acting = asyncio.create_task(runner.act("pay"))
    async with asyncio.timeout(WAIT):
        while not payments.paid:  # noqa: ASYNC110 - a list is all that it leaves
            await asyncio.sleep(0.005)
    runner.cancel(by_session=False)
    with pytest.raises(asyncio.CancelledError):
        await acting
    opened.set()
    assert (await CallRunner(state, session, *runner.tools).act("pay", again=True)).preview == "paid"
    assert len(payments.paid) == 2


class Frozen(Ledger):
    """A worker that stands still right after its first claim; ``meanwhile`` happens in that time."""

    now = 0.0
    claims = 0
    meanwhile: Callable[[str, str], Awaitable[object]] | None = None

    async def claim(self, row: EffectView, over: str = "", use: Use | None = None) -> Claim:
        """Claim, and stand still."""
        claim = await super().claim(row, over)
        Frozen.claims += 1
        if Frozen.claims == 1:
            Frozen.now += 100.0
            if Frozen.meanwhile is not None:
                await Frozen.meanwhile(row.key, claim.token)
        return claim


@pytest.mark.parametrize("taken", [False, True])
async def test_a_worker_that_stood_still_between_claim_and_call_looks_again_before_it_calls(
    state: State, session: str, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    monkeypatch.setattr(clock, "steady", lambda: Frozen.now)
    monkeypatch.setattr(Frozen, "claims", 0)

    async def take(key: str, token: str) -> None:
        assert await state.effects.reclaim(key, token, ELSEWHERE)

    monkeypatch.setattr(Frozen, "meanwhile", staticmethod(take) if taken else None)
    payments = PaymentTools()
    told = await CallRunner(state, session, payments.pay(timeout=30), ledger=Frozen).act("pay")
    assert len(payments.paid) == (0 if taken else 1)
    assert (told.wait is not None) == taken


def test_a_process_is_gone_when_it_has_ended_and_not_while_it_stands_still() -> None:
    asleep = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.DEVNULL
    )
    try:
        machine = process.here().split("/")[0]
        where = f"{machine}/{asleep.pid}/{process._started(asleep.pid)}"
        assert not process.gone(where)
        asleep.send_signal(signal.SIGSTOP)
        assert not process.gone(where)
        assert process.gone(f"{machine}/{asleep.pid}/1"), "its number is another's now"
        asleep.kill()
        async_end = time.monotonic() + WAIT
        while not process.gone(where) and time.monotonic() < async_end:
            pass  # dead, and not yet collected by its parent
        assert process.gone(where)
    finally:
        asleep.kill()
        asleep.wait(WAIT)
    assert not process.gone(process.here())
    assert not process.gone(f"another-machine/{os.getpid()}/1")
