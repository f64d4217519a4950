"""The effect ledger, on both databases."""

import asyncio
import itertools
from typing import get_args

import pytest

from holdfast_activities.state import State, open_state
from holdfast_activities.state.log.extras import LogExtras
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.operations.effects import EffectStatus

from .charges import effect

STATUSES: tuple[EffectStatus, ...] = get_args(EffectStatus)
UNDO: tuple[EffectStatus, ...] = ("undoing", "undone", "undo_failed")


def may_follow(before: EffectStatus, after: EffectStatus) -> bool:
    """The rule: what is settled is a fact that can only be undone, once."""
    if before == "undone":
        return after == "undone"
    return after in UNDO or before not in ("settled", *UNDO)


async def test_a_claim_is_the_first_callers(state: State, session: str) -> None:
    claimed = effect(session, "claimed")
    assert await state.effects.claim(claimed, "mine") == (claimed, "mine")
    assert await state.effects.claim(effect(session, "claimed", session="x"), "his") == (
        claimed,
        "mine",
    )
    assert await state.effects.get(session) == (claimed, "mine")


async def test_one_of_50_concurrent_claims_wins(state: State, url: str, session: str) -> None:
    other = await open_state(url)
    answers = await asyncio.gather(
        *(
            store.effects.claim(effect(session, "claimed"), f"{mark}{n}")
            for n in range(25)
            for mark, store in (("a", state), ("b", other))
        )
    )
    await other.close()
    assert len({token for _, token in answers}) == 1


async def test_one_of_50_concurrent_reclaims_wins(state: State, url: str, session: str) -> None:
    other = await open_state(url)
    await state.effects.claim(effect(session, "claimed"), "lost")
    won = await asyncio.gather(
        *(
            store.effects.reclaim(session, "lost", f"{mark}{n}")
            for n in range(25)
            for mark, store in (("a", state), ("b", other))
        )
    )
    await other.close()
    assert won.count(True) == 1
    found = await state.effects.get(session)
    assert found is not None
    row, token = found
    assert token == f"{'ab'[won.index(True) % 2]}{won.index(True) // 2}"
    # Those who wait for it wait anew.
    assert row.claimed > effect(session).claimed


@pytest.mark.parametrize("status", STATUSES)
async def test_only_what_may_not_have_happened_is_taken_over(
    state: State, session: str, status: EffectStatus
) -> None:
    await state.effects.claim(effect(session, status), "lost")
    taken = await state.effects.reclaim(session, "lost", "new")
    assert taken == (status in ("claimed", "waiting", "failed", "unknown"))
    found = await state.effects.get(session)
    assert found is not None
    assert (found[0].status, found[1]) == (("claimed", "new") if taken else (status, "lost"))


async def test_a_settled_effect_keeps_who_claimed_it(state: State, session: str) -> None:
    await state.effects.claim(effect(session, "claimed"), "mine")
    await state.log.settle_with(session, [], LogExtras(effects=[effect(session, result="paid")]))
    assert await state.effects.get(session) == (effect(session, result="paid"), "mine")


@pytest.mark.parametrize("way", ["rides", "is marked"])
async def test_a_settled_effect_changes_only_to_undo_statuses(state: State, session: str, way: str) -> None:
    for before, after in itertools.product(STATUSES, STATUSES):
        key = f"{session}:{before}:{after}"
        await state.effects.claim(effect(key, before, session=session), "t")
        if way == "rides":
            await state.log.settle_with(session, [], LogExtras(effects=[effect(key, after, session=session)]))
        else:
            await state.effects.mark(key, after)
        found = await state.effects.get(key)
        assert found is not None
        assert found[0].status == (after if may_follow(before, after) else before), (before, after)


async def test_a_mark_keeps_the_values_it_does_not_name(state: State, session: str) -> None:
    await state.effects.claim(effect(session, "unknown"), "t")
    settled = await state.effects.mark(session, "settled", result="it was paid", by="person")
    assert settled is not None
    assert (settled.status, settled.result, settled.by) == ("settled", "it was paid", "person")
    assert settled.settled > 0
    undone = await state.effects.mark(session, "undone")
    assert undone == settled.model_copy(update={"status": "undone"})


async def test_an_unknown_effect_is_none(state: State, session: str) -> None:
    assert await state.effects.get(session) is None
    assert await state.effects.mark(session, "settled") is None
    assert not await state.effects.reclaim(session, "", "new")
    assert await state.effects.list(session) == []


async def test_effects_are_listed_in_order_by_session_or_by_status(state: State, session: str) -> None:
    numbers = (12, 3, 7)
    for seq in numbers:
        row = effect(f"{session}:{seq}", "unknown" if seq == 7 else "settled", session=session)
        await state.log.settle_with(session, [], LogExtras(effects=[row.model_copy(update={"seq": seq})]))
    listed = await state.effects.list(session)
    assert [row.seq for row in listed] == [3, 7, 12]
    assert [row.seq for row in await state.effects.list(session, limit=2)] == [3, 7]
    assert [row.seq for row in await state.effects.list(session, "unknown")] == [7]
    assert f"{session}:7" in [row.key for row in await state.effects.list(status="unknown", limit=10_000)]


async def test_keys_and_sessions_that_cannot_be_keys_are_refused(state: State, session: str) -> None:
    for bad in ("", "a\0", "a\ud800"):
        with pytest.raises(BadInput):
            await state.effects.claim(effect(bad, "claimed", session=session), "t")
        with pytest.raises(BadInput):
            await state.effects.get(bad)
    with pytest.raises(BadInput):
        await state.effects.claim(effect(session, "claimed", session="a\0"), "t")
