"""Extras of a log write, on both databases: all are written, or none."""

import asyncio
import math

import pytest

from holdfast_activities.state import State, open_state, upgrade
from holdfast_activities.state.coordination.charging import MOST
from holdfast_activities.state.log.extras import Amount, CachedReplyRow, Charge, Charged, Limit, LogExtras
from holdfast_workflows.contracts.agent.budget import BudgetAccount
from holdfast_workflows.contracts.errors import BadInput, StateUnavailable
from holdfast_workflows.contracts.session.entries import Entry, UserEntry

from .charges import TOMORROW, effect, reserve
from .test_migrations import run


def user(seq: int, text: str = "hello") -> Entry:
    return UserEntry(seq=seq, turn=1, text=text)


def everything(session: str) -> LogExtras:
    return LogExtras(
        charge=reserve(session, f"run:{session}", 100, 30, spent=20),
        effects=[effect(f"{session}:1"), effect(f"{session}:2")],
        cached=CachedReplyRow(f"d-{session}", '{"text": "yes"}', 5.0),
    )


async def test_extras_are_written_with_the_entries(state: State, session: str) -> None:
    settled = await state.log.settle_with(session, [user(1)], everything(session))
    assert settled.entries == [user(1)]
    assert settled.charged == Charged()
    assert await state.log.read(session, 0) == [user(1)]
    assert await state.effects.get(f"{session}:1") == (effect(f"{session}:1"), "")
    assert await state.effects.get(f"{session}:2") == (effect(f"{session}:2"), "")
    assert await state.budgets.list(f"run:{session}") == [
        BudgetAccount(account=f"run:{session}", tokens=20, held_tokens=30, tokens_limit=100)
    ]
    assert await state.replies.find(f"d-{session}", 5.0) == '{"text": "yes"}'


@pytest.mark.parametrize("broken", ["effect", "reservation", "cachedreply"])
async def test_an_extra_that_cannot_be_written_rolls_everything_back(empty_url: str, broken: str) -> None:
    await upgrade(empty_url)
    state = await open_state(empty_url)
    await run(empty_url, f"ALTER TABLE holdfast_{broken} RENAME TO elsewhere")
    with pytest.raises(StateUnavailable):
        await state.log.settle_with("s", [user(1)], everything("s"))
    await run(empty_url, f"ALTER TABLE elsewhere RENAME TO holdfast_{broken}")
    assert await state.log.read("s", 0) == []
    assert await state.effects.list() == []
    assert await state.budgets.list() == []
    assert await state.replies.find("d-s", 0.0) is None
    # The connection has no open transaction.
    assert (await state.log.settle_with("s", [user(1)], everything("s"))).entries == [user(1)]
    await state.close()


async def test_extras_are_written_even_if_the_entry_exists(state: State, session: str) -> None:
    await state.log.settle(session, [user(1, "first")])
    settled = await state.log.settle_with(session, [user(1, "second"), user(2)], everything(session))
    assert settled.entries == [user(1, "first"), user(2)]
    [account] = await state.budgets.list(f"run:{session}")
    assert account.tokens == 20


async def test_extras_need_no_entries(state: State, session: str) -> None:
    assert (await state.log.settle_with(session, [], everything(session))).entries == []
    assert len(await state.effects.list(session=f"{session}:1")) == 1


async def test_empty_extras_are_allowed(state: State, session: str) -> None:
    assert (await state.log.settle_with(session, [user(1)], LogExtras())).entries == [user(1)]


async def test_concurrent_settles_with_and_without_extras_are_stored(state: State, session: str) -> None:
    account = f"run:{session}"
    extras = [LogExtras(charge=reserve(f"h{n}", account, 10_000, 1, spent=2)) for n in range(100)]
    await asyncio.gather(
        *(state.log.settle_with(session, [user(n)], each) for n, each in enumerate(extras)),
        *(state.log.settle(session, [user(n)]) for n in range(100, 200)),
    )
    assert await state.log.read(session, 0) == [user(n) for n in range(200)]
    [view] = await state.budgets.list(account)
    assert (view.tokens, view.held_tokens) == (200, 100)


async def test_a_cancelled_caller_leaves_no_transaction_open(state: State, session: str) -> None:
    callers = [
        asyncio.create_task(state.log.settle_with(session, [user(n)], everything(session))) for n in range(20)
    ]
    await asyncio.sleep(0)  # let them begin
    for n, caller in enumerate(callers):
        if n % 2:
            caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    await asyncio.gather(*(state.log.settle(session, [user(n)]) for n in range(100, 120)))
    other = await state.log.read(session, 100)
    assert len(other) == 20
    assert len([entry for entry in await state.log.read(session, 0, 100) if entry.seq % 2 == 0]) == 10


async def test_a_later_reply_replaces_the_cached_one(state: State, session: str) -> None:
    for at, body in ((5.0, "old"), (9.0, "new")):
        await state.log.settle_with(session, [], LogExtras(cached=CachedReplyRow(session, body, at)))
    assert await state.replies.find(session, 9.0) == "new"
    assert await state.replies.find(session, 9.5) is None
    assert await state.replies.find(session + "x", 0.0) is None


@pytest.mark.parametrize(
    "charge",
    [
        reserve("", "a", 1, 1),
        reserve("h", "a\0", 1, 1),
        reserve("h", "a", 1, MOST + 1),
        reserve("h", "a", -1, 1),
        reserve("h", "a", 1, 1, spent=-1),
        Charge("h", {"a": Limit()}, Amount(), Amount(1), math.inf),
        Charge("h", {"a": Limit(micros=2**70)}, Amount(), Amount(1), TOMORROW),
    ],
)
async def test_a_charge_with_an_invalid_value_is_refused(state: State, session: str, charge: Charge) -> None:
    with pytest.raises(BadInput):
        await state.log.settle_with(session, [user(1)], LogExtras(charge=charge))
    assert await state.log.read(session, 0) == []


async def test_text_that_databases_refuse_is_cleaned_or_refused(state: State, session: str) -> None:
    odd = effect(session, result="a\0b\ud800")
    await state.log.settle_with(session, [], LogExtras(effects=[odd]))
    found = await state.effects.get(session)
    assert found is not None
    assert found[0].result == "a\ufffdb\ufffd"
    with pytest.raises(BadInput):
        await state.log.settle_with(session, [], LogExtras(effects=[effect("a\0")]))
    with pytest.raises(BadInput):
        await state.log.settle_with(session, [], LogExtras(cached=CachedReplyRow("", "x", 1.0)))
