"""Taking calls back: with what they were made, once, whatever happens to the worker."""

from __future__ import annotations

import asyncio
import time

import pytest

from holdfast_activities.session.tool_call import once
from holdfast_activities.state import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.spec import Effect
from holdfast_workflows.contracts.operations.effects import EffectStatus, EffectView

from .call_runner import LOST, SEQ, CallRunner
from .payment_tools import PaymentTools

EFFECTS: list[Effect] = ["none", "idempotent", "once"]


async def paid(state: State, session: str, payments: PaymentTools, undo: Effect = "idempotent") -> CallRunner:
    """A runner whose call 2 was made."""
    runner = CallRunner(state, session, payments.pay(undo=payments.refund(effect=undo)))
    await runner.reply("pay")
    await runner.act("pay")
    return runner


@pytest.mark.parametrize("effect", EFFECTS)
async def test_the_undo_has_the_calls_arguments_its_result_and_a_key_of_its_own(
    state: State, session: str, effect: Effect
) -> None:
    payments = PaymentTools()
    runner = await paid(state, session, payments, effect)
    told = await runner.undo("refund")
    assert (told.status, told.preview) == ("ok", "refunded 42")
    assert payments.refunded == [("42", "paid 42", names.undo_key(names.call_key(session, SEQ)))]
    row, entry = await runner.row(), await runner.result()
    assert (row.status, row.result) == ("undone", "refunded 42")
    # The conversation holds what the call returned.
    assert entry is not None
    assert entry.text == "paid 42"


@pytest.mark.parametrize("effect", EFFECTS)
async def test_what_is_undone_is_not_undone_again(state: State, session: str, effect: Effect) -> None:
    payments = PaymentTools()
    runner = await paid(state, session, payments, effect)
    first = await runner.undo("refund")
    again = await runner.undo("refund", again=True)
    assert (again.status, again.preview) == (first.status, first.preview)
    assert len(payments.refunded) == 1


async def test_only_what_is_settled_is_undone(state: State, session: str) -> None:
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(undo=payments.refund()))
    await runner.reply("pay")
    assert (await runner.undo("refund")).status == "failed"
    statuses: list[EffectStatus] = ["claimed", "failed", "unknown", "given_up"]
    await runner.claimed("pay")
    for status in statuses:
        await state.effects.mark(f"{session}-{SEQ}", status)
        told = await runner.undo("refund")
        assert told.status == "failed"
        assert status in told.preview
    assert payments.refunded == []


async def test_an_undo_that_fails_for_good_is_told_and_noted(state: State, session: str) -> None:
    async def closed() -> str:
        raise ValueError("the till is closed")

    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(undo=payments.refund(closed, retries=0)))
    await runner.reply("pay")
    await runner.act("pay")
    told = await runner.undo("refund")
    row = await runner.row()
    assert (told.status, row.status) == ("failed", "undo_failed")
    assert "the till is closed" in told.preview == row.result


async def test_an_undo_whose_worker_was_lost_is_made_again_under_the_same_key(
    state: State, session: str
) -> None:
    payments = PaymentTools()
    runner = await paid(state, session, payments)
    await state.effects.mark(f"{session}-{SEQ}", "undoing")
    assert (await runner.undo("refund", again=True)).status == "ok"
    assert [key for _, _, key in payments.refunded] == [f"{session}-{SEQ}-undo"]


@pytest.mark.parametrize("ago", [0.0, 1_000.0])
async def test_an_undo_that_must_happen_once_is_not_repeated_when_its_worker_is_lost(
    state: State, session: str, ago: float
) -> None:
    payments = PaymentTools()
    runner = await paid(state, session, payments, "once")
    key = names.undo_key(names.call_key(session, SEQ))
    await state.effects.mark(f"{session}-{SEQ}", "undoing")
    lost = (await runner.row()).model_copy(
        update={"key": key, "tool": "refund", "status": "claimed", "claimed": time.time() - ago}
    )
    await state.effects.claim(EffectView.model_validate(lost), LOST)
    told = await runner.undo("refund", again=True)
    if ago:
        assert told.status == "failed"
        assert "it is unknown whether refund happened" in told.preview
        assert (await runner.row()).status == "undo_failed"
    else:
        assert told.wait is not None
        assert (await runner.row()).status == "undoing"
    assert payments.refunded == []


async def test_fifty_who_undo_one_call_once_do_it_once(
    state: State, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "GRACE", 0.0)
    payments = PaymentTools()
    runner = await paid(state, session, payments, "once")
    await asyncio.gather(*(runner.undo("refund") for _ in range(50)))
    assert len(payments.refunded) == 1
    assert (await runner.row()).status == "undone"
