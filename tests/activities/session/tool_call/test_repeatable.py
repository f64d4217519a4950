"""Calls that may be made again: what is settled with them, when they are tried again, when no activity calls them."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from temporalio.exceptions import ApplicationError

from holdfast import RetryPolicy, ToolError
from holdfast_activities.session.tool_call import act
from holdfast_activities.state import State

from .call_runner import SEQ, CallRunner
from .payment_tools import PaymentTools, never
from .test_once import Careless, entered, fresh_key

RETRY = RetryPolicy(attempts=2, adaptive=False)


async def broken() -> object:
    """Fail as what may work later does."""
    raise ValueError("broken")


async def test_an_effect_is_noted_with_its_result(state: State, session: str) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(effect="idempotent"))
    assert (await runner.act("pay")).preview == "paid 42"
    row = await runner.row()
    assert (row.status, row.effect, row.result) == ("settled", "idempotent", "paid 42")
    assert 0 < row.claimed <= row.settled


async def test_what_has_no_effect_has_no_row(state: State, session: str) -> None:
    runner = CallRunner(state, session, PaymentTools().pay(effect="none"))
    assert (await runner.act("pay")).status == "ok"
    assert await state.effects.list(session) == []


@pytest.mark.parametrize("effect", ["none", "idempotent"])
@pytest.mark.parametrize("more", [{"again": True}, {"attempt": 2}])
async def test_a_settled_result_is_returned_and_nothing_called(
    state: State, session: str, effect: str, more: dict[str, Any]
) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(effect=effect))
    first = await runner.act("pay")
    assert await runner.act("pay", **more) == first
    assert len(payments.paid) == 1


async def test_without_the_ledger_it_is_called_again_under_another_key(
    state: State, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(act, "call_of", fresh_key)
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(effect="idempotent"), ledger=Careless)
    await runner.act("pay")
    await runner.act("pay", again=True)
    assert len(set(payments.paid)) == 2


async def test_a_call_that_is_made_again_has_the_same_key(state: State, session: str) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(broken, effect="idempotent", retries=RETRY))
    with pytest.raises(ApplicationError) as failed:
        await runner.act("pay")
    assert not failed.value.non_retryable
    assert failed.value.next_retry_delay is not None
    told = await runner.act("pay", attempt=2)
    assert (told.status, told.preview) == ("failed", "error: ValueError: broken")
    assert (await runner.row()).status == "failed"
    assert len(payments.paid) == 2
    assert len(set(payments.paid)) == 1


async def test_a_tool_that_refuses_is_not_asked_again(state: State, session: str) -> None:
    async def refuse() -> object:
        raise ToolError("not today")

    runner = CallRunner(state, session, PaymentTools().pay(refuse, effect="idempotent", retries=RETRY))
    assert (await runner.act("pay")).preview == "error: not today"


async def test_arguments_that_do_not_fit_are_told_and_nothing_is_noted(state: State, session: str) -> None:
    for seq, effect in enumerate(("none", "idempotent", "once"), SEQ):
        runner = CallRunner(state, session, PaymentTools().pay(effect=effect))
        assert (await runner.act("pay", seq=seq, arguments='{"order": 42}')).status == "invalid"
    assert await state.effects.list(session) == []


async def test_a_cancelled_call_is_told_as_cancelled(state: State, session: str) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(never, effect="idempotent"))
    acting = asyncio.create_task(runner.act("pay"))
    await entered(payments)
    runner.cancel(by_session=True)
    assert (await acting).status == "cancelled"


async def test_a_tool_that_the_worker_does_not_have_is_told(state: State, session: str) -> None:
    told = await CallRunner(state, session, PaymentTools().pay()).act("pray")
    assert (told.status, told.preview) == (
        "failed",
        "error: tool 'pray' is unknown; there are: pay, read_more",
    )


# Breakers.


@pytest.mark.parametrize("effect", ["idempotent", "once"])
async def test_failures_in_a_row_open_the_tools_breaker_and_calls_wait_without_a_trace(
    state: State, session: str, effect: str
) -> None:
    name, payments = f"pay-{uuid4().hex[:8]}", PaymentTools()
    runner = CallRunner(
        state, session, payments.pay(broken, effect=effect, retries=0, breaker=True, name=name)
    )
    told = [await runner.act(name, seq=seq) for seq in range(SEQ, SEQ + 6)]
    assert {each.status for each in told[:5]} == {"failed"}
    park = told[5].wait
    assert park is not None
    assert (park.kind, park.error_code) == ("breaker", "breaker_open")
    assert park.seconds > 0
    assert len(payments.paid) == 5
    # A call that waits has claimed nothing.
    assert len(await state.effects.list(session)) == 5
    await runner.resilience.close()


async def test_without_a_breaker_a_tool_is_called_however_often_it_fails(state: State, session: str) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(broken, effect="idempotent", retries=0))
    for seq in range(SEQ, SEQ + 8):
        assert (await runner.act("pay", seq=seq)).status == "failed"
    assert len(payments.paid) == 8


async def test_refusals_and_wrong_arguments_leave_the_breaker_alone(state: State, session: str) -> None:
    async def refuse() -> object:
        raise ToolError("not today")

    name = f"pay-{uuid4().hex[:8]}"
    runner = CallRunner(state, session, PaymentTools().pay(refuse, effect="none", breaker=True, name=name))
    for seq in range(SEQ, SEQ + 8):
        arguments = '{"order": 42}' if seq % 2 else '{"order": "42"}'
        assert (await runner.act(name, seq=seq, arguments=arguments)).wait is None
    await runner.resilience.close()
