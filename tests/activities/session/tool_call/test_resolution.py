"""What a person says of calls for which no turn waits any more, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from holdfast_activities.session.tool_call.resolution import ResolveEffect
from holdfast_activities.state import State
from holdfast_activities.state.log.extras import LogExtras
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control.inbox import Answer
from holdfast_workflows.contracts.errors import NothingToDo
from holdfast_workflows.contracts.operations.effects import DecideEffect, EffectStatus, EffectView

from .call_runner import SEQ, CallRunner
from .payment_tools import PaymentTools


async def say(
    state: State, session: str, action: Any = "confirm", *, ended: bool = False, **more: Any
) -> EffectView:
    """Have Ann decide the call at 2."""
    said: dict[str, Any] = {"id": f"effect-{SEQ}", "text": "paid, it says", "by": "Ann"}
    answer = Answer.model_validate(said | {"action": action} | more)
    request = DecideEffect(session=session, answer=answer, ended=ended)
    return await ActivityEnvironment().run(ResolveEffect(state).decide_effect, request)


async def refused(state: State, session: str, action: Any = "confirm", **more: Any) -> str:
    """What is said where there is nothing to decide."""
    with pytest.raises(ApplicationError) as error:
        await say(state, session, action, **more)
    assert error.value.type == NothingToDo.code
    return str(error.value)


async def left(state: State, session: str, status: EffectStatus = "unknown") -> CallRunner:
    """A runner whose call 2 has a result in the log, and in the ledger that status."""
    runner = CallRunner(state, session, PaymentTools().pay())
    await runner.claimed("pay", status=status)
    await runner.act("pay", mode="give_up", undecided=True)
    return runner


@pytest.mark.parametrize("name", [f"effect-{SEQ}", "key"])
async def test_a_call_that_a_cancelled_turn_left_is_settled_by_whom_and_when_the_ledger_says(
    state: State, session: str, name: str
) -> None:
    runner = await left(state, session)
    row = await runner.row()
    assert (row.status, row.by) == ("unknown", "")
    id = names.call_key(session, SEQ) if name == "key" else name
    said = await say(state, session, id=id)
    assert (said.status, said.by, said.result) == ("settled", "person: Ann", "paid, it says")
    assert said.settled > row.claimed
    assert await runner.row() == said


async def test_who_gives_up_a_call_is_in_the_ledger_too(state: State, session: str) -> None:
    runner = await left(state, session)
    said = await say(state, session, "give_up", by="")
    assert (said.status, said.by, await runner.row()) == ("given_up", "person", said)
    assert said.settled > 0


async def test_what_was_said_is_kept_against_all_but_the_same_words(state: State, session: str) -> None:
    runner = await left(state, session)
    said = await say(state, session)
    assert await say(state, session) == said
    for other in ({"by": "Bob"}, {"text": "not paid"}, {"action": "give_up"}):
        assert "settled by person: Ann" in await refused(state, session, **other)
    assert await runner.row() == said


async def test_a_retry_without_a_waiting_turn_is_refused(state: State, session: str) -> None:
    runner = await left(state, session)
    assert "confirm it, or give it up" in await refused(state, session, "retry", ended=True)
    assert (await runner.row()).status == "unknown"


async def test_an_empty_word_replaces_what_was_said_while_nobody_knew(state: State, session: str) -> None:
    runner = await left(state, session)
    row = (await runner.row()).model_copy(update={"result": "nobody knows"})
    await state.log.settle_with(session, [], LogExtras(effects=[row]))
    assert (await say(state, session, text="")).result == ""


@pytest.mark.parametrize("status", ["claimed", "unknown"])
async def test_what_a_turn_may_come_back_to_is_decided_when_the_session_has_ended(
    state: State, session: str, status: EffectStatus
) -> None:
    runner = CallRunner(state, session, PaymentTools().pay())
    await runner.claimed("pay", status=status)
    assert "its turn goes on" in await refused(state, session)
    assert (await runner.row()).status == status
    assert (await say(state, session, ended=True)).status == "settled"


@pytest.mark.parametrize("status", ["settled", "failed", "given_up", "undoing", "undone", "undo_failed"])
async def test_what_is_known_is_not_decided(state: State, session: str, status: EffectStatus) -> None:
    runner = await left(state, session, status)
    assert status in await refused(state, session, ended=True)
    assert (await runner.row()).status == status


async def test_only_calls_of_the_session_are_decided(state: State, session: str) -> None:
    runner = await left(state, session)
    key = names.call_key(session, SEQ)
    assert "has no call" in await refused(state, f"{session}-other", id=key, ended=True)
    assert "has no call" in await refused(state, session, id="effect-9", ended=True)
    assert (await runner.row()).status == "unknown"


async def undoing(state: State, session: str, status: EffectStatus) -> tuple[str, str]:
    """A call whose undo, which must happen once, has that status; the keys of both."""
    payments = PaymentTools()
    runner = CallRunner(state, session, payments.pay(undo=payments.refund(effect="once")))
    await runner.reply("pay")
    await runner.act("pay")
    key = names.call_key(session, SEQ)
    await state.effects.mark(key, "undoing" if status == "claimed" else "undo_failed")
    undo = (await runner.row()).model_copy(
        update={"key": names.undo_key(key), "status": status, "tool": "refund"}
    )
    await state.effects.claim(undo, "t")
    return key, undo.key


async def test_an_undo_that_did_happen_has_undone_its_call(state: State, session: str) -> None:
    key, undo = await undoing(state, session, "unknown")
    assert (await say(state, session, id=undo, text="the money is back")).status == "settled"
    row = await CallRunner(state, session).row(key)
    assert (row.status, row.result) == ("undone", "the money is back")


async def test_an_undo_that_is_given_up_has_not(state: State, session: str) -> None:
    key, undo = await undoing(state, session, "unknown")
    assert (await say(state, session, "give_up", id=undo)).status == "given_up"
    assert (await CallRunner(state, session).row(key)).status == "undo_failed"


async def test_an_undo_that_a_turn_may_be_at_is_not_decided(state: State, session: str) -> None:
    _, undo = await undoing(state, session, "claimed")
    assert "its turn goes on" in await refused(state, session, id=undo)
    assert (await say(state, session, id=undo, ended=True)).status == "settled"


async def test_a_call_that_was_settled_late_is_not_in_doubt_when_its_turn_leaves_it(
    state: State, session: str
) -> None:
    runner = await left(state, session, "failed")
    assert (await runner.row()).status == "failed"
