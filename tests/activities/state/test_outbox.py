"""Changes of memories on their way to the store, on both databases."""

import asyncio
from dataclasses import replace

import pytest

from holdfast_activities.state import State
from holdfast_activities.state.coordination.outbox import OutboxItem
from holdfast_workflows.contracts.errors import BadInput


def item(session: str, turn: int, at: float = 1.0, body: str = '{"id": "x"}') -> OutboxItem:
    return OutboxItem(id=f"{session}:{turn}", tenant="acme", session=session, at=at, body=body, answer="{}")


async def claim(state: State, session: str, now: float = 100.0, limit: int = 10_000) -> list[OutboxItem]:
    """What is claimed of a session; on PostgreSQL the tests share the table."""
    return [each for each in await state.outbox.claim(now, 50.0, limit) if each.session == session]


async def test_the_first_change_of_an_id_stays(state: State, session: str) -> None:
    outbox = state.outbox
    first = item(session, 1)
    assert await outbox.add(first) == first
    assert await outbox.add(replace(first, body="another")) == first
    assert await outbox.get(first.id) == first
    assert await outbox.get(f"{session}:2") is None


async def test_an_item_is_one_claimants_until_its_time_is_over(state: State, session: str) -> None:
    await state.outbox.add(item(session, 1))
    assert len(await claim(state, session, now=100.0)) == 1
    assert await claim(state, session, now=149.0) == []
    assert len(await claim(state, session, now=150.0)) == 1


async def test_claimants_at_once_are_given_different_items(state: State, session: str) -> None:
    for n in range(40):
        await state.outbox.add(item(session, n, at=-1.0))
    found = await asyncio.gather(*(claim(state, session, limit=10) for _ in range(8)))
    ids = [each.id for part in found for each in part]
    assert len(ids) == len(set(ids)) == 40


async def test_the_oldest_are_claimed_first(state: State, session: str) -> None:
    for n, at in enumerate((3.0, 1.0, 2.0)):
        await state.outbox.add(item(session, n, at=at - 1_000))
    assert [each.at for each in await claim(state, session, limit=2)] == [-999.0, -998.0]


async def test_an_added_item_may_be_claimed_at_once(state: State, session: str) -> None:
    await state.outbox.add(item(session, 1), until=200.0)
    assert await claim(state, session, now=199.0) == []
    assert len(await claim(state, session, now=200.0)) == 1


async def test_an_applied_item_does_not_wait_and_has_no_text(state: State, session: str) -> None:
    outbox = state.outbox
    before = await outbox.waiting()
    await outbox.add(item(session, 1))
    assert await outbox.waiting() == before + 1
    assert await outbox.applied(f"{session}:1", 7.0)
    assert await outbox.waiting() == before
    assert await claim(state, session) == []
    assert await outbox.get(f"{session}:1") == replace(item(session, 1), body="", applied=7.0)


async def test_a_failed_item_waits_again_with_its_error(state: State, session: str) -> None:
    outbox = state.outbox
    await outbox.add(item(session, 1))
    await claim(state, session, now=100.0)
    await outbox.failed(f"{session}:1", "away")
    [again] = await claim(state, session, now=101.0)
    assert again.error == "away"
    await outbox.failed(f"{session}:1", "broken", until=500.0)
    assert await claim(state, session, now=499.0) == []
    assert len(await claim(state, session, now=500.0)) == 1


async def test_items_of_a_session_or_a_tenant_are_erased(state: State, session: str) -> None:
    outbox = state.outbox
    other = f"{session}-other"
    await outbox.add(item(session, 1))
    await outbox.add(item(session, 2))
    await outbox.add(replace(item(other, 1), tenant=other))
    assert await outbox.erase(session=session) == 2
    assert not await outbox.applied(f"{session}:1", 1.0)
    assert await outbox.erase(tenant=other) == 1
    assert await outbox.get(f"{other}:1") is None
    with pytest.raises(BadInput):
        await outbox.erase()


async def test_nothing_is_kept_of_a_session_that_was_erased(state: State, session: str) -> None:
    await state.open_session(session, "a", "d", "acme", "ann")
    await state.erasing.session(session, 5.0)
    assert await state.outbox.add(item(session, 1)) is None
    assert await state.outbox.get(f"{session}:1") is None
