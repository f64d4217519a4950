"""What operators see and move through standalone activities."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import uuid4

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from holdfast_activities.session.admin.breakers_and_budgets import BreakersAndBudgets
from holdfast_activities.state import State
from holdfast_activities.state.log.extras import Amount, Charge, Limit
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.budget import ListBudgets
from holdfast_workflows.contracts.control.audit import ListAudit
from holdfast_workflows.contracts.operations.breakers import BreakerView, ListBreakers, SetBreaker
from holdfast_workflows.contracts.operations.effects import ListEffects

from ..tool_call.call_runner import CallRunner
from ..tool_call.payment_tools import PaymentTools


async def started(activity: Callable[[SetBreaker], Awaitable[BreakerView]], given: SetBreaker) -> BreakerView:
    """Run an activity as a client starts it."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, activity_id=uuid4().hex)
    return await environment.run(activity, given)


async def test_effects_are_listed_by_session_and_by_status(state: State, session: str) -> None:
    runner, operating = CallRunner(state, session, PaymentTools().pay()), BreakersAndBudgets(state)
    await runner.act("pay", seq=2)
    await runner.act("pay", seq=3)
    found = (await operating.list_effects(ListEffects(session=session))).effects
    assert [effect.seq for effect in found] == [2, 3]
    assert (await operating.list_effects(ListEffects(session=session, status="unknown"))).effects == ()
    assert len((await operating.list_effects(ListEffects(session=session, limit=1))).effects) == 1


async def test_a_breaker_is_opened_for_a_while_and_closed_by_hand(state: State) -> None:
    operating, name = BreakersAndBudgets(state), f"tool:{uuid4().hex}"
    now = time.time()
    opening = SetBreaker(name=name, state="open", seconds=60, reason="repairs")
    view = await started(operating.set_breaker, opening)
    assert (view.state, view.manual, view.reason) == ("open", True, "repairs")
    assert 60 <= view.until - now < 80
    assert view in (await operating.list_breakers(ListBreakers())).breakers
    closed = await started(operating.set_breaker, SetBreaker(name=name, state="closed"))
    assert (closed.state, closed.manual, closed.failures) == ("closed", False, 0)
    found = [entry.record for entry in await state.audit.list(ListAudit(kind="operator", limit=2))]
    assert [(each.action, each.subject, each.principal, each.reason) for each in found] == [
        ("breaker_opened", name, "local", "repairs"),
        ("breaker_closed", name, "local", ""),
    ]


@pytest.mark.parametrize("name", ["pay", "tool:", "model:x", ""])
async def test_an_unknown_breaker_is_refused(state: State, name: str) -> None:
    with pytest.raises(ApplicationError) as refused:
        await started(BreakersAndBudgets(state).set_breaker, SetBreaker(name=name, state="open"))
    assert refused.value.type == "breaker_unknown"


async def test_budgets_are_listed_by_prefix(state: State, session: str) -> None:
    account = f"run:{session}"
    await state.budgets.charge(
        Charge(holder=session, accounts={account: Limit(tokens=100)}, spent=Amount(tokens=7))
    )
    found = (await BreakersAndBudgets(state).list_budgets(ListBudgets(prefix=account))).budgets
    assert [(each.account, each.tokens, each.tokens_limit) for each in found] == [(account, 7, 100)]


async def test_a_tenants_budgets_are_not_those_of_one_whose_name_continues_its(
    state: State, session: str
) -> None:
    own, foreign = (names.tenant_account(each, "2026-01-31") for each in (session, f"{session}:eu"))
    for account in (own, foreign):
        await state.budgets.charge(
            Charge(holder=account, accounts={account: Limit(tokens=100)}, spent=Amount(tokens=7))
        )
    asked = ListBudgets(prefix=f"tenant:{session}:", tenant=session)
    found = (await BreakersAndBudgets(state).list_budgets(asked)).budgets
    assert [each.account for each in found] == [own]
