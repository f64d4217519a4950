"""Places of counted permissions, on both databases: never more than the limit, and one for each call."""

from __future__ import annotations

import asyncio

from holdfast_activities import clock
from holdfast_activities.state import State
from holdfast_workflows.contracts.permissions.rules import Quota


async def test_calls_at_the_same_time_never_take_more_places_than_there_are(
    state: State, session: str
) -> None:
    place = Quota(account=session, limit=3)
    full = await asyncio.gather(*(state.quotas.take((place,), f"{session}-{n}") for n in range(12)))
    assert sorted(full) == sorted([""] * 3 + [session] * 9)


async def test_another_attempt_of_a_call_has_its_place_already(state: State, session: str) -> None:
    place = Quota(account=session, limit=1)
    assert await state.quotas.take((place,), f"{session}-1") == ""
    assert await state.quotas.take((place,), f"{session}-2") == session
    assert await state.quotas.take((place,), f"{session}-1") == ""
    assert await state.quotas.take((place,), f"{session}-2") == session


async def test_the_quota_that_is_used_up_is_named(state: State, session: str) -> None:
    wide, narrow = Quota(account=f"{session}-wide", limit=9), Quota(account=f"{session}-narrow", limit=0)
    assert await state.quotas.take((wide, narrow), f"{session}-1") == narrow.account
    assert await state.quotas.take((), f"{session}-1") == ""


async def test_old_places_are_pruned(state: State, session: str) -> None:
    place = Quota(account=session, limit=1)
    await state.quotas.take((place,), f"{session}-1")
    await state.erasing.prune(clock.now() + 1)
    assert await state.quotas.take((place,), f"{session}-2") == ""
