"""Content is removed from ended sessions when its time is over, and nothing else is."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from holdfast_activities.state import State
from holdfast_activities.state.setup.tables import HoldTable
from holdfast_workflows.contracts.control.audit import AuditRecord
from holdfast_workflows.contracts.names import board_of
from holdfast_workflows.contracts.operations.costs import ListCosts
from holdfast_workflows.contracts.operations.retention import RetentionKind, SetRetention

from ..charges import effect, reserve
from .ended import NOW, ended

Kind = Literal["session", "log", "texts", "prompts", "effects", "costs"]


async def left(state: State, session: str) -> set[str]:
    """The kinds of content that a session still has."""
    turns = await state.load_turns(session)
    found = {
        "session": await state.load_session(session),
        "log": await state.log.read(session, 0) or any(turn.request or turn.reply for turn in turns),
        "texts": await state.load_text(session, "t"),
        "prompts": await state.manifests.list(session),
        "effects": await state.effects.list(session=session),
        "costs": await state.budgets.list(f"run:{session}"),
    }
    return {kind for kind, there in found.items() if there}


EVERYTHING = {"session", "log", "texts", "prompts", "effects", "costs"}


async def set_days(state: State, kind: RetentionKind, days: float | None, tenant: str) -> None:
    await state.retention_rules.set(SetRetention(kind=kind, days=days, tenant=tenant))


async def remove(state: State, session: str) -> tuple[str, ...]:
    return tuple(await state.retention.remove(session, await state.retention_rules.load(), NOW))


async def due(state: State, tenant: str) -> list[str]:
    rules = await state.retention_rules.load()
    found = await state.retention.due(rules, NOW, limit=10_000)
    return [each.session for each in found if each.tenant == tenant]


@pytest.mark.parametrize("kind", ["log", "texts", "prompts", "effects", "costs"])
async def test_content_of_a_kind_is_removed_after_its_days(state: State, session: str, kind: Kind) -> None:
    await set_days(state, kind, 10.0, session)
    await ended(state, session, tenant=session, days=11)
    assert await due(state, session) == [session]
    assert await remove(state, session) == (kind,)
    assert await left(state, session) == EVERYTHING - {kind}
    assert await due(state, session) == []
    assert [each.kind for each in await state.retention.removed(session)] == [kind]


async def test_a_whole_session_is_removed_and_its_row_says_so(state: State, session: str) -> None:
    await set_days(state, "session", 10.0, session)
    await ended(state, session, tenant=session, days=11)
    assert await remove(state, session) == ("session",)
    assert await left(state, session) == set()
    assert await state.knows(session)
    assert await state.boards.read(board_of(session, session), [session]) == {}
    shared = await state.boards.read(board_of("", session, "prices"), [session])
    assert shared  # the tenant's board has what the session wrote there
    records = [AuditRecord.model_validate_json(row.body) for row in await state.audit.rows(session)]
    assert [(each.action, each.reason, each.details) for each in records] == [
        ("removed", "retention", {"kinds": "session"})
    ]


@pytest.mark.parametrize("status", ["idle", "running", "paused", "waiting", "needs_person", "starting"])
async def test_nothing_of_an_open_session_is_removed(state: State, session: str, status: str) -> None:
    for kind in ("log", "prompts", "session"):
        await set_days(state, kind, 1.0, session)
    await ended(state, session, tenant=session, days=1_000, status=status)
    assert await due(state, session) == []
    assert await remove(state, session) == ()
    assert await left(state, session) == EVERYTHING


async def test_nothing_is_removed_before_its_time(state: State, session: str) -> None:
    await set_days(state, "session", 10.0, session)
    await ended(state, session, tenant=session, days=9.9)
    assert await due(state, session) == []
    assert await remove(state, session) == ()
    assert await left(state, session) == EVERYTHING


async def test_an_effect_that_waits_for_a_decision_keeps_its_session(state: State, session: str) -> None:
    await set_days(state, "session", 10.0, session)
    await set_days(state, "effects", 10.0, session)
    await ended(state, session, tenant=session, days=11)
    unknown = effect(f"{session}:9", session=session, status="claimed")
    await state.effects.claim(unknown, "token")
    await state.effects.mark(unknown.key, "unknown")
    assert await remove(state, session) == ("effects",)
    assert [each.key for each in await state.effects.list(session=session)] == [unknown.key]
    assert await state.load_session(session) is not None


async def test_a_tenants_own_rule_goes_before_that_of_all(state: State, session: str) -> None:
    mine, other = f"{session}-mine", f"{session}-other"
    await set_days(state, "session", None, mine)
    for kind in ("prompts", "costs"):
        await set_days(state, kind, None, mine)
    await ended(state, mine, tenant=mine, days=3_000)
    await ended(state, other, tenant=other, days=3_000)
    assert await due(state, mine) == []
    assert await due(state, other) == [other]
    await state.retention_rules.set(SetRetention(kind="session", tenant=mine, reset=True))
    assert await due(state, mine) == [mine]


async def test_without_rules_sessions_are_kept_a_year_and_prompts_a_month(state: State, session: str) -> None:
    for days in (29, 31, 364, 366):
        await ended(state, f"{session}-{days}", tenant=session, days=days)
    assert await remove(state, f"{session}-29") == ()
    assert await remove(state, f"{session}-31") == ("prompts",)
    assert await remove(state, f"{session}-364") == ("prompts",)
    assert await remove(state, f"{session}-366") == ("session",)


async def test_what_a_session_has_written_since_is_removed_later(state: State, session: str) -> None:
    await set_days(state, "log", 10.0, session)
    await ended(state, session, tenant=session, days=11)
    assert await remove(state, session) == ("log",)
    rules = await state.retention_rules.load()
    await ended(state, session, tenant=session, days=-20)  # it went on after a reset
    assert tuple(await state.retention.remove(session, rules, NOW + 40 * 86_400)) == ("log",)


async def test_days_accounts_are_removed_by_their_tenants_rule(state: State, session: str) -> None:
    from holdfast_activities.state.log.extras import LogExtras

    mine = f"{session}:x"
    accounts = {
        (tenant, day): f"tenant:{tenant}:{day}"
        for tenant in (mine, session)
        for day in ("2033-05-01", "2033-05-17")
    }
    for account in accounts.values():
        charge = reserve(session, account, 1_000, 0, spent=20)
        await state.log.settle_with(session, [], LogExtras(charge=charge))
    await set_days(state, "costs", 5.0, mine)
    await state.retention.remove_days(await state.retention_rules.load(), NOW)  # 2033-05-18
    kept = {row.account for row in await state.budgets.list(f"tenant:{session}")}
    assert kept == set(accounts.values()) - {accounts[mine, "2033-05-01"]}


async def test_days_accounts_wait_for_a_hold_that_is_being_placed(state: State, session: str) -> None:
    from holdfast_activities.state.log.extras import LogExtras

    account = f"tenant:{session}:2033-05-01"
    charge = reserve(session, account, 1_000, 0, spent=20)
    await state.log.settle_with(session, [], LogExtras(charge=charge))
    await set_days(state, "costs", 5.0, session)
    rules, transactions = await state.retention_rules.load(), state.retention._transactions  # pyright: ignore[reportPrivateUsage] - a hold that is half placed
    values = {
        "id": session,
        "kind": "tenant",
        "subject": "",
        "tenant": session,
        "reason": "a case",
        "by": "ann",
    }
    async with transactions.begin() as db:
        await transactions.lock(db, HoldTable)
        await db.exec(transactions.insert(HoldTable, values | {"at": NOW}))
        removal = asyncio.create_task(state.retention.remove_days(rules, NOW))
        # It cannot end before the hold is placed; without the lock it has read the holds by then.
        await asyncio.wait({removal}, timeout=0.2)
    await removal
    assert [row.account for row in await state.budgets.list(account)] == [account]


async def test_costs_are_removed_by_their_tenants_rule_but_not_those_under_a_hold(
    state: State, session: str
) -> None:
    from holdfast_activities.state.log.extras import Charge, CostOwner, ModelCost
    from holdfast_workflows.contracts.operations.retention import AddHold

    late = time.time() + 366 * 86_400
    tenants = [f"{session}:{name}" for name in ("built-in", "never", "held")]
    for tenant in tenants:
        owner = CostOwner(f"s-{tenant}", "a", tenant)
        await state.budgets.charge(Charge(tenant, {}, owner=owner, costs=(ModelCost("m", micros=1),)))
    await set_days(state, "costs", None, tenants[1])
    hold = AddHold(id=session, kind="tenant", tenant=tenants[2], reason="a case", by="ann")
    await state.retention.holds.add(hold)

    async def left() -> list[str]:
        today = datetime.now(UTC).date()
        found = [
            await state.costs.rows(
                ListCosts(by=("tenant",), tenant=each), today - timedelta(days=1), today, 9
            )
            for each in tenants
        ]
        return [row.tenant for rows in found for row in rows]

    await state.retention.remove_days(await state.retention_rules.load(), time.time())
    assert await left() == tenants
    await state.retention.remove_days(await state.retention_rules.load(), late)
    assert await left() == tenants[1:]
