"""Calls that must happen once: claimed, settled, and never made again while their outcome is unknown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from holdfast import EffectUnknown, ToolError
from holdfast_activities.session.common.run_tool import ToolRun
from holdfast_activities.session.tool_call import act, once
from holdfast_activities.session.tool_call.ledger import Claim, Ledger
from holdfast_activities.session.tool_call.request import call_of
from holdfast_activities.state import State, open_state
from holdfast_activities.state.coordination.approvals import Use
from holdfast_workflows.contracts.operations.breakers import BreakerView
from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.session.entries import ResultEntry
from holdfast_workflows.contracts.session.steps import ActInput, ActMode

from .call_runner import SEQ, WAIT, CallRunner
from .payment_tools import PaymentTools, never


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clocks do not differ here, and nothing goes on after it was ended."""
    monkeypatch.setattr(once, "GRACE", 0.0)


def no_line() -> str | None:
    """A probe that cannot tell."""
    raise OSError("no line")


async def test_a_call_is_claimed_made_and_settled(state: State, session: str) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay())
    told = await runner.act("pay")
    assert (told.status, told.preview, len(told.digest)) == ("ok", "paid 42", 12)
    row = await runner.row()
    assert (row.status, row.result, row.tool, row.by) == ("settled", "paid 42", "pay", "")
    assert row.arguments == '{"order": "42"}'
    assert 0 < row.claimed <= row.settled
    assert payments.paid == [row.key]


@pytest.mark.parametrize("more", [{"again": True}, {"attempt": 2}, {"mode": "retry"}, {}])
async def test_what_is_settled_is_not_made_again(state: State, session: str, more: dict[str, Any]) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay())
    first = await runner.act("pay")
    assert await runner.act("pay", **more) == first
    assert len(payments.paid) == 1


class Careless(Ledger):
    """The protection switched off: what was done before is ignored."""

    async def settled(self, request: ActInput) -> ResultEntry | None:
        """Nothing, whatever there is."""
        return None

    async def claim(self, row: EffectView, over: str = "", use: Use | None = None) -> Claim:
        """Ours, at every caller."""
        return Claim(row, over, ours=True)


def fresh_key(request: ActInput, name: str, arguments: str, key: str) -> ToolRun:
    """The protection switched off: a new key at every attempt."""
    return call_of(request, name, arguments, f"{key}-{uuid4().hex}")


async def test_without_the_ledger_the_same_call_is_made_again(
    state: State, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(act, "call_of", fresh_key)
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(), ledger=Careless)
    await runner.act("pay")
    await runner.act("pay", again=True)
    assert len(set(payments.paid)) == 2


async def test_of_fifty_who_carry_out_one_call_one_does(state: State, url: str, session: str) -> None:
    payments = PaymentTools()
    other = await open_state(url)
    desks = [CallRunner(state, session, payments.pay()), CallRunner(other, session, payments.pay())]
    results = await asyncio.gather(*(runner.act("pay") for _ in range(25) for runner in desks))
    await other.close()
    assert len(payments.paid) == 1
    # The others were early and have to wait, or late and are given the result.
    assert all((each.wait and each.wait.kind == "effect") or each.preview == "paid 42" for each in results)


async def test_a_call_whose_worker_was_lost_before_it_began_is_made(state: State, session: str) -> None:
    payments = PaymentTools()
    told = await CallRunner(state, session, payments.pay()).act("pay", again=True)
    assert (told.preview, len(payments.paid)) == ("paid 42", 1)


async def test_a_call_that_may_be_under_way_is_waited_for(state: State, session: str) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(probe=lambda: None, timeout=30))
    await runner.claimed("pay", ago=10)
    told = await runner.act("pay", again=True)
    assert told.wait is not None
    assert (told.wait.kind, told.wait.error_code) == ("effect", "effect_unknown")
    assert 15 < told.wait.seconds <= 20
    assert payments.paid == payments.asked == []


async def test_a_probe_that_finds_the_call_settles_it(state: State, session: str) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(probe=lambda: "paid before"))
    await runner.claimed("pay", ago=100)
    claimed = (await runner.row()).claimed
    assert (await runner.act("pay", again=True)).preview == "paid before"
    row = await runner.row()
    assert (row.status, row.by, row.result, row.claimed) == ("settled", "probe", "paid before", claimed)
    assert (payments.paid, payments.asked) == ([], [row.key])


async def test_a_probe_that_finds_nothing_lets_the_call_be_made(state: State, session: str) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(probe=lambda: None))
    await runner.claimed("pay", ago=100)
    assert (await runner.act("pay", again=True)).preview == "paid 42"
    assert ((await runner.row()).status, len(payments.paid)) == ("settled", 1)


async def test_of_fifty_who_find_nothing_one_makes_the_call(state: State, session: str) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(probe=lambda: None))
    await runner.claimed("pay", ago=100)
    await asyncio.gather(*(runner.act("pay", again=True) for _ in range(50)))
    assert len(payments.paid) == 1


@pytest.mark.parametrize("probe", [None, no_line])
async def test_what_nobody_can_tell_is_left_to_a_person(
    state: State, session: str, probe: Callable[[], str | None] | None
) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(probe=probe))
    await runner.claimed("pay", ago=100)
    for _ in range(2):
        told = await runner.act("pay", again=True)
        assert told.unknown
        assert ("no line" if probe else "has no probe") in told.preview
    assert (await runner.row()).status == "unknown"
    assert await runner.result() is None
    assert payments.paid == []


# What a person decides.


async def test_a_person_may_have_it_made_again(state: State, session: str) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay())
    await runner.claimed("pay", ago=100, status="unknown")
    assert (await runner.act("pay", mode="retry", by="ann")).preview == "paid 42"
    assert (await runner.row()).status == "settled"


async def test_a_person_may_decide_before_anybody_has_noted_that_it_is_unknown(
    state: State, session: str
) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay())
    await runner.claimed("pay", ago=100)
    assert (await runner.act("pay", mode="retry", again=True)).preview == "paid 42"
    assert len(payments.paid) == 1


async def test_what_a_person_has_made_again_is_not_made_a_third_time_when_its_worker_is_lost(
    state: State, session: str
) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay())
    await runner.claimed("pay")
    told = await runner.act("pay", mode="retry", again=True)
    assert told.wait is not None
    assert payments.paid == []


@pytest.mark.parametrize(
    ("mode", "status", "settled", "text"),
    [("confirm", "ok", "settled", "seen on the account"), ("give_up", "failed", "given_up", "it is unknown")],
)
async def test_a_person_may_say_what_came_of_it(
    state: State, session: str, mode: ActMode, status: str, settled: str, text: str
) -> None:
    runner = CallRunner(state, session, PaymentTools().pay())
    await runner.claimed("pay", ago=100, status="unknown")
    for _ in range(2):  # deciding again changes nothing
        told = await runner.act("pay", mode=mode, text="seen on the account", by="ann")
        assert told.status == status
    row, entry = await runner.row(), await runner.result()
    assert entry is not None
    assert entry.status == status
    assert text in entry.text
    assert (row.status, row.by) == (settled, "person: ann")


async def test_a_person_may_decide_of_a_call_that_has_no_row(state: State, session: str) -> None:
    runner = CallRunner(state, session, PaymentTools().pay())
    await runner.act("pay", mode="confirm", text="done by hand")
    row = await runner.row()
    assert (row.status, row.by, row.result) == ("settled", "person", "done by hand")


# Calls that end otherwise.


@pytest.mark.parametrize("error", [ValueError("no money"), ToolError("no money")])
async def test_a_call_that_raises_has_failed(state: State, session: str, error: Exception) -> None:
    async def fail() -> object:
        raise error

    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(fail))
    told = await runner.act("pay")
    assert (told.status, (await runner.row()).status) == ("failed", "failed")
    assert "no money" in told.preview
    assert await runner.act("pay", again=True) == told
    assert len(payments.paid) == 1


async def answers_too_much() -> object:
    """More than is stored."""
    return "x" * 17_000_000


async def answers_nonsense() -> object:
    """A value that cannot be written as text."""
    return object()


async def test_a_call_has_happened_even_if_its_result_cannot_be_kept(state: State, session: str) -> None:
    for seq, instead in enumerate((answers_too_much, answers_nonsense), SEQ):
        runner = CallRunner(state, session, PaymentTools().pay(instead))
        told = await runner.act("pay", seq=seq)
        assert told.status == "failed"
        assert (await runner.row(f"{session}-{seq}")).status == "settled"


async def test_a_call_that_ran_out_of_time_without_a_probe_is_unknown(state: State, session: str) -> None:
    runner = CallRunner(state, session, PaymentTools().pay(never, timeout=0.05))
    told = await runner.act("pay")
    assert told.unknown
    assert told.preview == "no result after 0.05 s"
    assert (await runner.row()).status == "unknown"


async def does_not_know() -> object:
    """As a tool says it whose connection broke after it had sent its request."""
    raise EffectUnknown("the line broke")


async def test_a_tool_may_say_that_it_does_not_know(state: State, session: str) -> None:
    runner = CallRunner(state, session, PaymentTools().pay(does_not_know))
    told = await runner.act("pay")
    assert told.unknown
    assert told.preview == "the line broke"


@pytest.mark.parametrize(
    ("found", "status", "preview"),
    [("paid late", "ok", "paid late"), (None, "failed", "error: no result after 0.05 s; it did not happen")],
)
async def test_after_a_call_that_ran_out_of_time_the_probe_is_asked(
    state: State, session: str, found: str | None, status: str, preview: str
) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(never, probe=lambda: found, timeout=0.05))
    told = await runner.act("pay")
    assert (told.status, told.preview, told.unknown) == (status, preview, False)
    row = await runner.row()
    assert (row.status, row.by) == (("settled", "probe") if found else ("failed", ""))
    assert len(payments.paid) == len(payments.asked) == 1


async def entered(payments: PaymentTools) -> None:
    """Wait until the tool is at work."""
    async with asyncio.timeout(WAIT):
        while not payments.paid:  # noqa: ASYNC110 - a list of its own is all that it leaves
            await asyncio.sleep(0.005)


async def test_a_call_that_was_cancelled_on_the_way_is_unknown(state: State, session: str) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(never))
    acting = asyncio.create_task(runner.act("pay"))
    await entered(payments)
    runner.cancel(by_session=True)
    told = await acting
    assert told.status == "cancelled"
    assert "it is unknown" in told.preview
    assert ((await runner.row()).status, (await runner.row()).key) == ("unknown", payments.paid[0])


async def test_a_worker_that_stops_leaves_the_call_in_doubt(state: State, session: str) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(never))
    acting = asyncio.create_task(runner.act("pay"))
    await entered(payments)
    runner.cancel(by_session=False)
    with pytest.raises(asyncio.CancelledError):
        await acting
    assert (await runner.row()).status == "claimed"
    assert await runner.result() is None


async def test_a_settled_call_that_the_log_has_lost_is_written_from_its_row(
    state: State, session: str
) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay())
    await runner.claimed("pay")
    await state.effects.mark(f"{session}-{SEQ}", "settled", result="paid, says the row")
    assert (await runner.act("pay", again=True)).preview == "paid, says the row"
    entry = await runner.result()
    assert entry is not None
    assert entry.text == "paid, says the row"
    assert payments.paid == []


# Workers that were given up and live on.


async def test_what_a_worker_that_was_given_up_brings_late_is_in_the_ledger_and_not_in_the_conversation(
    state: State, session: str
) -> None:
    opened = asyncio.Event()

    async def late() -> object:
        await opened.wait()
        return "paid late"

    payments = PaymentTools()
    runner, person = (
        CallRunner(state, session, payments.pay(late)),
        CallRunner(state, session, payments.pay()),
    )
    acting = asyncio.create_task(runner.act("pay"))
    await entered(payments)
    await person.act("pay", mode="give_up")
    opened.set()
    # It is told what stands in the log.
    assert (await acting).status == "failed"
    row = await runner.row()
    assert (row.status, row.result) == ("settled", "paid late")


async def test_a_worker_that_was_given_up_cannot_say_that_the_call_failed(state: State, session: str) -> None:
    opened = asyncio.Event()

    async def late() -> object:
        await opened.wait()
        raise ValueError("no money")

    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(late))
    acting = asyncio.create_task(runner.act("pay"))
    await entered(payments)
    key = (await runner.row()).key
    found = await state.effects.get(key)
    assert found is not None
    assert await state.effects.reclaim(key, found[1], "another's")
    opened.set()
    with pytest.raises(Exception, match="another worker has taken this call over"):
        await acting
    assert (await runner.row()).status == "claimed"
    assert await runner.result() is None


async def test_a_call_in_doubt_is_looked_up_though_its_tool_is_not_to_be_called(
    state: State, session: str
) -> None:
    tool = f"pay_{session[-8:]}"  # the tests share the breakers
    runner = CallRunner(state, session, PaymentTools().pay(breaker=True, timeout=20.0, name=tool))
    opened = BreakerView(name=f"tool:{tool}", state="open", until=time.time() + 600, manual=True)
    await state.breakers.set(opened)
    await runner.claimed(tool)
    told = await runner.act(tool, again=True)
    assert told.wait is not None
    assert told.wait.kind == "effect", "a breaker as the reason would mean that the tool was not called"
    assert told.wait.seconds <= 20
    # A call that was never claimed was not made, so it waits for the breaker.
    waits = await runner.act(tool, again=True, seq=SEQ + 1)
    assert waits.wait is not None
    assert waits.wait.kind == "breaker"
