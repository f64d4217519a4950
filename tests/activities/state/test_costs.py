"""Sums of costs, on both databases."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from holdfast_activities.state import State, open_state
from holdfast_activities.state.log.extras import Charge, CostOwner, LogExtras, ModelCost
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.operations.costs import CostRow, ListCosts
from holdfast_workflows.contracts.session.entries import UserEntry


def charge(
    session: str, micros: int, *, tool: str = "", agent: str = "a", app: str = "", tenant: str = ""
) -> Charge:
    owner = CostOwner(session, agent, tenant, app)
    cost = ModelCost("openai:m", tool, 1, 2, 100, 10, 50, 7, micros)
    return Charge(holder=session, accounts={}, owner=owner, costs=(cost,))


def days() -> tuple[date, date]:
    """Yesterday to tomorrow: the test may run at midnight."""
    today = datetime.now(UTC).date()
    return today - timedelta(days=1), today + timedelta(days=1)


async def rows(state: State, ask: ListCosts) -> list[CostRow]:
    return await state.costs.rows(ask, *days(), 100)


async def test_costs_are_added_up_with_the_write_of_the_log(state: State, session: str) -> None:
    for seq in (1, 2):
        entry = UserEntry(seq=seq, text="Hi")
        await state.log.settle_with(session, [entry], LogExtras(charge=charge(session, 40)))
    [row] = await rows(state, ListCosts(by=("session", "model"), session=session))
    assert row == CostRow(
        session=session,
        model="openai:m",
        dollars=0.00008,
        model_calls=2,
        tool_calls=4,
        input_tokens=200,
        output_tokens=20,
        cached_tokens=100,
        unpriced_tokens=14,
    )


async def test_costs_are_of_the_user_of_the_session_and_survive_its_erasure_without_it(
    state: State, session: str
) -> None:
    user = uuid4().hex
    await state.open_session(session, "a", "d", "acme", user)
    await state.budgets.charge(charge(session, 40, tenant="acme"))
    [row] = await rows(state, ListCosts(by=("user", "tenant"), user=user))
    assert (row.user, row.tenant, row.dollars) == (user, "acme", 0.00004)
    await state.erasing.session(session, time.time())
    assert await rows(state, ListCosts(by=("user",), user=user)) == []
    [row] = await rows(state, ListCosts(by=("user",), session=session))
    assert (row.user, row.dollars) == ("", 0.00004)


async def test_an_erased_user_is_removed_from_the_costs_of_sessions_that_are_gone(
    state: State, session: str
) -> None:
    user = uuid4().hex
    await state.open_session(session, "a", "d", "acme", user)
    await state.budgets.charge(charge(session, 40, tenant="acme"))
    await state.erasing.user(user, "other")
    assert len(await rows(state, ListCosts(user=user))) == 1
    await state.erasing.user(user, "acme")
    assert await rows(state, ListCosts(user=user)) == []


async def test_costs_of_an_erased_tenant_are_removed(state: State, session: str) -> None:
    await state.budgets.charge(charge(session, 40, tenant=session))
    await state.erasing.tenant(session)
    assert await rows(state, ListCosts(session=session)) == []


async def test_rows_are_grouped_filtered_and_ordered_by_dollars(state: State, session: str) -> None:
    for agent, tool, micros in (("a", "", 10), ("a", "x", 20), ("b", "x", 100)):
        await state.budgets.charge(charge(session, micros, tool=tool, agent=agent))

    async def found(*by: str, **only: str) -> list[tuple[str, float]]:
        ask = ListCosts.model_validate({"by": by, "session": session, **only})
        return [("/".join(getattr(row, name) for name in by), row.dollars) for row in await rows(state, ask)]

    assert await found("agent") == [("b", 0.0001), ("a", 0.00003)]
    assert await found("tool") == [("x", 0.00012), ("", 0.00001)]
    assert await found("tool", agent="a") == [("x", 0.00002), ("", 0.00001)]
    assert await found("agent", tool="") == [("a", 0.00001)]
    assert await found() == [("", 0.00013)]
    [(day, dollars)] = await found("day")
    assert (date.fromisoformat(day) in {*days(), datetime.now(UTC).date()}, dollars) == (True, 0.00013)
    [(hour, _)] = await found("hour")
    assert abs(time.time() - datetime.fromisoformat(f"{hour}:00+00:00").timestamp()) < 2 * 3_600


async def test_other_days_are_left_out(state: State, session: str) -> None:
    await state.budgets.charge(charge(session, 40))
    tomorrow, ask = days()[1] + timedelta(days=1), ListCosts(session=session)
    assert await state.costs.rows(ask, tomorrow, tomorrow, 10) == []
    by_hour = await state.costs.by_hour(ask, *days())
    assert list(by_hour.values()) == [0.00004]


async def test_an_app_sees_its_own_costs_only(state: State, url: str, session: str) -> None:
    await state.budgets.charge(charge(session, 40, app="other"))
    assert await rows(state, ListCosts(session=session)) == []
    other = await open_state(url, scope="other")
    assert other.budgets.app == "other"
    assert len(await rows(other, ListCosts(session=session))) == 1
    await other.close()


async def test_writes_at_once_lose_nothing(state: State, session: str) -> None:
    written = (state.budgets.charge(charge(session, 1, tool=f"t{n % 3}")) for n in range(60))
    await asyncio.gather(*written)
    [total] = await rows(state, ListCosts(by=(), session=session))
    assert (total.dollars, total.model_calls) == (0.00006, 60)


async def test_a_negative_cost_is_refused(state: State, session: str) -> None:
    with pytest.raises(BadInput, match="micros"):
        await state.budgets.charge(charge(session, -1))
