"""Two apps in one database have breakers, limits, tenants' accounts and waiting memories of their own."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from holdfast_activities.state import State, open_state
from holdfast_activities.state.coordination.breaker import BreakerRule
from holdfast_activities.state.coordination.bucket import Rate
from holdfast_activities.state.coordination.outbox import OutboxItem
from holdfast_activities.state.log.extras import Amount, Charge, Limit
from holdfast_workflows.contracts import names

RULE = BreakerRule(failures=1)


@pytest.fixture
async def apps(url: str) -> AsyncIterator[tuple[State, State, State]]:
    """The app without a mark, and two others; the second one's mark begins like the first one's."""
    mark = uuid.uuid4().hex
    states = [await open_state(url, scope=scope) for scope in ("", mark, f"{mark}/provider:")]
    yield states[0], states[1], states[2]
    for state in states:
        await state.close()


async def test_a_breaker_is_one_apps(apps: tuple[State, State, State]) -> None:
    name = f"provider:{uuid.uuid4().hex}"
    for state in apps:
        view = await state.breakers.failed(name, RULE, time.time(), reason="down")
        assert (view.name, view.state) == (name, "open")
        await state.breakers.set(view.model_copy(update={"state": "closed"}))
    await apps[1].breakers.failed(name, RULE, time.time())
    states = [{each.name: each.state for each in await state.breakers.load()} for state in apps]
    assert [found.get(name) for found in states] == ["closed", "open", "closed"]
    assert all(list(found) == [name] for found in states[1:])


async def test_a_rate_limit_is_one_apps(apps: tuple[State, State, State]) -> None:
    key, rate, now = f"provider:{uuid.uuid4().hex}", Rate(requests=60), time.time()
    for state in apps:
        assert (await state.rates.lease(key, rate, 60, 0, now, 5.0)).requests == 60
        assert (await state.rates.lease(key, rate, 60, 0, now, 5.0)).requests == 0
    await apps[0].rates.block(key, now + 100)
    blocks = [await state.rates.blocks(now) for state in apps]
    assert [key in found for found in blocks] == [True, False, False]
    await apps[2].rates.block(key, now + 100)
    assert list(await apps[1].rates.blocks(now)) == []


async def test_a_tenants_account_is_one_apps_and_a_runs_is_seen_by_all(
    apps: tuple[State, State, State],
) -> None:
    tenant, day, run = f"Acme-{uuid.uuid4().hex}", "2026-01-31", names.run_account(uuid.uuid4().hex)
    for number, state in enumerate(apps):
        accounts = state.budgets
        charge = Charge(
            holder=uuid.uuid4().hex,
            accounts={accounts.tenant(tenant, day): Limit(tokens=10), run: Limit(tokens=100)},
            spent=Amount(tokens=number + 1, micros=0),
            reservation=Amount(tokens=0, micros=0),
            until=time.time() + 10,
        )
        assert (await accounts.charge(charge)).refused_by is None
    for number, state in enumerate(apps):
        [view] = await state.budgets.list(names.tenant_account(tenant, ""))
        assert (view.account, view.tokens) == (names.tenant_account(tenant, day), number + 1)
        [shown] = await state.budgets.list(run)
        assert shown.tokens == 6
    await apps[1].erasing.tenant(tenant)
    left = [await state.budgets.list(names.tenant_account(tenant, "")) for state in apps]
    assert [len(found) for found in left] == [1, 0, 1]


async def test_old_accounts_of_all_apps_are_pruned(apps: tuple[State, State, State]) -> None:
    tenant = uuid.uuid4().hex
    for state in apps:
        account = state.budgets.tenant(tenant, "2020-01-31")
        await state.budgets.charge(Charge("h", {account: Limit()}, Amount(1, 0), Amount(0, 0), time.time()))
    rules = await apps[0].retention_rules.load()
    await apps[0].retention.remove_days(rules, time.time())
    assert [await state.budgets.list(f"tenant:{tenant}") for state in apps] == [[], [], []]


async def test_a_change_of_memories_waits_for_its_own_app(apps: tuple[State, State, State]) -> None:
    item = OutboxItem(id="", tenant=uuid.uuid4().hex, session="", at=1.0, body="{}")
    before = await apps[1].outbox.waiting()
    for number in (1, 2):
        await apps[number].outbox.add(replace(item, id=uuid.uuid4().hex))
    assert await apps[1].outbox.waiting() == before + 1
    assert len(await apps[1].outbox.claim(time.time(), 10)) == 1
    assert len(await apps[2].outbox.claim(time.time(), 10)) == 1
