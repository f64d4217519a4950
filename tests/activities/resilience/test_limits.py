from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast_activities.models.base import Remaining
from holdfast_activities.resilience import refreshing
from holdfast_activities.resilience.limits import LEASE_SECONDS, MAX_INLINE_WAIT, Limits
from holdfast_activities.resilience.rate_lease import RateLease
from holdfast_activities.state import State
from holdfast_activities.state.coordination.bucket import Lease, Rate
from holdfast_activities.state.coordination.rates import RateStore
from holdfast_workflows.contracts.errors import LimitReached, StateUnavailable

from .conftest import Clock, Counting, on_both_databases

KEY = "provider:openai"
SIXTY = Rate(requests=60)


@pytest.fixture
async def fleet(state: State, clock: Clock) -> AsyncIterator[list[Limits]]:
    """Three workers on one database."""
    workers = [Limits(state.rates, clock=clock, sleep=clock.sleep) for _ in range(3)]
    yield workers
    for worker in workers:
        await worker.close()


@pytest.fixture
def rates(state: State) -> Counting:
    return Counting(state.rates)


@pytest.fixture
async def limits(rates: Counting, clock: Clock) -> AsyncIterator[Limits]:
    """One worker whose questions to the database are counted."""
    limits = Limits(cast("RateStore", rates), clock=clock, sleep=clock.sleep)
    yield limits
    await limits.close()


async def took(limits: Limits, rate: Rate, tokens: int = 0, key: str = KEY) -> bool:
    """Whether a call could go out."""
    try:
        await limits.take(key, rate, tokens)
    except LimitReached:
        return False
    return True


async def refused(limits: Limits, rate: Rate, tokens: int = 0) -> float:
    """How long a call is told to wait."""
    with pytest.raises(LimitReached) as error:
        await limits.take(KEY, rate, tokens)
    assert error.value.retry_after is not None
    return error.value.retry_after


@on_both_databases
async def test_three_workers_together_send_a_minutes_requests_and_no_more(fleet: list[Limits]) -> None:
    rate = Rate(requests=20)
    sent = await asyncio.gather(*(took(fleet[n % 3], rate) for n in range(90)))
    # Halves of what is left are leased, so one that is refused may leave a few that others hold.
    assert 15 <= sum(sent) <= 20


async def test_three_workers_together_send_a_minutes_tokens_and_no_more(fleet: list[Limits]) -> None:
    rate = Rate(tokens=10_000)
    sent = await asyncio.gather(*(took(fleet[n % 3], rate, 400) for n in range(90)))
    assert 20 <= sum(sent) <= 25


async def test_in_three_minutes_no_more_goes_out_than_they_allow(fleet: list[Limits], clock: Clock) -> None:
    rate = Rate(requests=30, tokens=6_000)
    begun, sent = clock.now, 0
    while clock.now < begun + 180:
        sent += sum([await took(limits, rate, 150) for limits in fleet])
        clock.now += 3
    minutes = (clock.now - begun) / 60
    assert 30 * (minutes - 1) <= sent <= 30 * (minutes + 1) + 1


async def test_a_lease_is_asked_for_once_in_five_seconds(
    limits: Limits, rates: Counting, clock: Clock
) -> None:
    rate = Rate(requests=6_000)
    for _ in range(100):
        await limits.take(KEY, rate, 10)
    assert Counter(rates.asked)["lease"] == 1
    clock.now += LEASE_SECONDS
    await limits.take(KEY, rate, 10)
    assert Counter(rates.asked)["lease"] == 2


async def test_without_limits_nothing_is_asked_and_nothing_kept(limits: Limits, rates: Counting) -> None:
    for _ in range(100):
        await limits.take(KEY, Rate(), 1_000)
        limits.settle(KEY, Rate(), 1_000, 900, Remaining(requests=0))
    assert rates.asked == ["blocks"]
    assert not limits._leases


async def test_a_short_wait_is_waited_here_and_a_long_one_is_told(limits: Limits, clock: Clock) -> None:
    rate = Rate(requests=60)
    for _ in range(60):
        await limits.take(KEY, rate, 0)
    before = clock.now
    await limits.take(KEY, rate, 0)
    assert 0.9 <= clock.now - before <= MAX_INLINE_WAIT
    slow = Rate(requests=6)
    for _ in range(6):
        await limits.take("tenant:slow", slow, 0)
    with pytest.raises(LimitReached) as told:
        await limits.take("tenant:slow", slow, 0)
    assert 9 <= (told.value.retry_after or 0) <= 11


async def test_those_who_are_refused_are_told_to_come_one_after_the_other(limits: Limits) -> None:
    rate = Rate(requests=6)
    for _ in range(6):
        await limits.take(KEY, rate, 0)
    waits = [await refused(limits, rate) for _ in range(5)]
    for place, wait in enumerate(waits, 1):
        assert 9.5 * place <= wait <= 10.6 * place


async def test_what_is_known_to_be_used_up_is_not_asked_for_again(limits: Limits, rates: Counting) -> None:
    rate = Rate(requests=6)
    for _ in range(6):
        await limits.take(KEY, rate, 0)
    rates.asked.clear()
    for _ in range(50):
        await refused(limits, rate)
    assert Counter(rates.asked)["lease"] <= 1


async def test_tokens_that_were_not_used_can_be_used(limits: Limits) -> None:
    rate = Rate(tokens=6_000)
    await limits.take(KEY, rate, 6_000)
    assert await refused(limits, rate, 3_000) > 25
    limits.settle(KEY, rate, 6_000, 1_000)
    await limits.take(KEY, rate, 3_000)


async def test_a_request_that_was_not_sent_can_be_sent_by_another(limits: Limits) -> None:
    rate = Rate(requests=1)
    await limits.take(KEY, rate, 0)
    limits.settle(KEY, rate, 0, 0, sent=False)
    await limits.take(KEY, rate, 0)
    limits.settle(KEY, rate, 0, 0)
    assert await refused(limits, rate) > 50


async def test_tokens_used_beyond_the_estimate_are_paid_for(
    limits: Limits, fleet: list[Limits], clock: Clock
) -> None:
    rate = Rate(tokens=6_000)
    await limits.take(KEY, rate, 1_000)
    limits.settle(KEY, rate, 1_000, 7_000)
    clock.now += LEASE_SECONDS
    await limits.refresh()
    assert await refused(fleet[0], rate, 1_000) > 10


async def test_what_is_left_of_a_lease_goes_back(limits: Limits, fleet: list[Limits], clock: Clock) -> None:
    rate = Rate(requests=60)
    await limits.take(KEY, rate, 0)
    clock.now += LEASE_SECONDS
    await limits.refresh()
    # The full 60 but for the one that was used: it filled again in the meantime.
    assert [await took(fleet[0], rate) for _ in range(60)].count(True) >= 59


async def test_a_closing_worker_gives_back_what_it_holds(limits: Limits, fleet: list[Limits]) -> None:
    rate = Rate(requests=12)
    await limits.take(KEY, rate, 0)
    await limits.close()
    assert [await took(fleet[0], rate) for _ in range(11)] == [True] * 11


@on_both_databases
async def test_a_blocked_key_is_sent_nothing_by_any_worker_until_then(
    fleet: list[Limits], clock: Clock
) -> None:
    await fleet[0].block(KEY, 30)
    for limits in fleet:
        await limits.refresh()
        for rate in (Rate(), SIXTY):
            assert 30 <= await refused(limits, rate) <= 33
    await fleet[1].take("provider:anthropic", Rate(), 0)
    clock.now += 29
    await fleet[1].take(KEY, Rate(), 0)
    assert clock.slept[-1] >= 1


async def test_a_block_is_known_to_a_worker_that_starts_and_a_later_one_stays(
    state: State, fleet: list[Limits], clock: Clock
) -> None:
    await fleet[0].block(KEY, 30)
    await fleet[1].block(KEY, 10)
    late = Limits(state.rates, clock=clock)
    assert await refused(late, Rate()) >= 30
    await late.close()
    clock.now += 31
    await fleet[0].take(KEY, Rate(), 0)


async def test_what_the_provider_says_is_left_bounds_the_lease(limits: Limits, clock: Clock) -> None:
    rate = Rate(requests=600, tokens=60_000)
    await limits.take(KEY, rate, 100)
    limits.settle(KEY, rate, 100, 100, Remaining(requests=2, tokens=60_000))
    await limits.take(KEY, rate, 100)
    await limits.take(KEY, rate, 100)
    before = clock.now
    await limits.take(KEY, rate, 100)
    assert clock.now > before
    limits.settle(KEY, rate, 100, 100, Remaining(requests=500, tokens=0))
    assert 9 <= await refused(limits, rate, 10_000) <= 11


async def test_a_call_larger_than_a_minute_goes_out_when_the_bucket_is_full(limits: Limits) -> None:
    rate = Rate(tokens=1_000)
    await limits.take(KEY, rate, 5_000)
    assert await refused(limits, rate, 10) > 60


async def test_a_limit_of_nothing_lets_nothing_pass(limits: Limits) -> None:
    assert 0 < await refused(limits, Rate(requests=0)) <= 3_780


async def test_while_the_database_is_down_calls_go_out(
    limits: Limits, rates: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(refreshing, "PAUSE_SECONDS", 60.0)
    rates.down = StateUnavailable("connection refused")
    await limits.take(KEY, SIXTY, 0)
    rates.hung = True
    async with asyncio.timeout(30):
        for _ in range(100):
            await limits.take(KEY, SIXTY, 0)
        await limits.block(KEY, 30)
    assert Counter(rates.asked).total() <= 2  # not once for each call
    assert await refused(limits, SIXTY) >= 30


async def test_who_gives_up_waiting_holds_nothing(state: State, clock: Clock) -> None:
    waiting = asyncio.Event()

    async def sleep(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    limits = Limits(state.rates, clock=clock, sleep=sleep)
    for _ in range(60):
        await limits.take(KEY, SIXTY, 0)
    call = asyncio.create_task(limits.take(KEY, SIXTY, 0))
    await waiting.wait()
    call.cancel()
    await asyncio.wait([call])
    clock.now += 1
    await limits.take(KEY, SIXTY, 0)
    await limits.close()


async def test_keys_that_nobody_uses_are_forgotten(limits: Limits, clock: Clock) -> None:
    for n in range(20):
        await limits.take(f"tenant:{n}", SIXTY, 0)
    clock.now += 200
    await limits.refresh()
    assert not limits._leases


@given(
    st.lists(st.tuples(st.integers(0, 500), st.floats(0, 3), st.integers(-200, 200)), max_size=60),
    st.integers(1, 600),
    st.integers(1, 60_000),
)
def test_no_order_of_calls_takes_more_than_was_leased(
    calls: list[tuple[int, float, int]], requests: int, tokens: int
) -> None:
    rate, portion, now = Rate(requests, tokens), RateLease(), 1_000.0
    portion.add(rate, Lease(10, 1_000, until=now + 1_000))
    taken, used = 0, 0
    for asked, passed, correction in calls:
        now += passed
        if portion.take(rate, asked, now) == 0.0:
            taken, used = taken + 1, used + asked - correction
            assert used <= 1_000 - correction
            portion.correct(rate, correction)
    assert taken <= 10
    assert portion.drop()[1:] == (10 - taken, 1_000 - used)
