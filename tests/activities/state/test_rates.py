"""Rate limits that all workers share, on both databases. Times are the tests' own."""

import asyncio
import math
import random

import pytest

from holdfast_activities.state import State, open_state
from holdfast_activities.state.coordination.bucket import Bucket, Lease, Rate, fill, take, wait
from holdfast_activities.state.coordination.rates import RateStore

RATE = Rate(requests=60, tokens=6_000)
NOW = 1_000_000.0


@pytest.fixture
def rates(state: State) -> RateStore:
    return state.rates


async def drain(rates: RateStore, key: str) -> None:
    await rates.lease(key, RATE, 60, 6_000, NOW, 5.0)


async def test_a_lease_is_what_the_rate_gives_in_its_time(rates: RateStore, session: str) -> None:
    assert await rates.lease(session, RATE, 1, 100, NOW, 5.0) == Lease(5.0, 500.0, until=NOW + 5.0)


async def test_a_lease_is_at_least_what_is_asked(rates: RateStore, session: str) -> None:
    assert await rates.lease(session, RATE, 20, 100, NOW, 5.0) == Lease(20.0, 500.0, until=NOW + 5.0)


async def test_a_lease_leaves_half_to_the_others(rates: RateStore, session: str) -> None:
    await rates.lease(session, RATE, 56, 6_000 - 300, NOW, 5.0)
    assert await rates.lease(session, RATE, 1, 1, NOW, 5.0) == Lease(2.0, 150.0, until=NOW + 5.0)


async def test_a_missing_amount_is_waited_for(rates: RateStore, session: str) -> None:
    await drain(rates, session)
    assert await rates.lease(session, RATE, 1, 100, NOW, 5.0) == Lease(wait=1.0)
    assert await rates.lease(session, RATE, 1, 300, NOW, 5.0) == Lease(wait=3.0)
    assert (await rates.lease(session, RATE, 1, 300, NOW + 2.9, 5.0)).requests == 0
    assert await rates.lease(session, RATE, 1, 300, NOW + 3.0, 5.0) == Lease(1.0, 300.0, until=NOW + 8.0)


async def test_a_bucket_has_at_most_one_minutes_amount(rates: RateStore, session: str) -> None:
    await drain(rates, session)
    assert (await rates.lease(session, RATE, 60, 0, NOW + 3_600, 5.0)).requests == 60
    assert (await rates.lease(session, RATE, 1, 0, NOW + 3_600, 5.0)).requests == 0


async def test_more_than_a_minutes_amount_needs_a_full_bucket_and_is_refilled(
    rates: RateStore, session: str
) -> None:
    assert (await rates.lease(session, RATE, 1, 9_000, NOW, 5.0)).tokens == 9_000
    assert await rates.lease(session, RATE, 1, 100, NOW, 5.0) == Lease(wait=31.0)


async def test_what_has_no_limit_is_not_counted(rates: RateStore, session: str) -> None:
    only_requests = Rate(requests=60)
    lease = await rates.lease(session, only_requests, 60, 10**9, NOW, 5.0)
    assert lease == Lease(60.0, math.inf, until=NOW + 5.0)
    await rates.give_back(session, only_requests, 1.0, lease.tokens, NOW)
    assert (await rates.lease(session, only_requests, 1, 10**9, NOW, 5.0)).requests == 1


async def test_a_limit_of_nothing_grants_nothing(rates: RateStore, session: str) -> None:
    assert await rates.lease(session, Rate(requests=0), 1, 1, NOW, 5.0) == Lease(wait=60.0)


async def test_what_is_given_back_can_be_leased_again(rates: RateStore, session: str) -> None:
    await drain(rates, session)
    await rates.give_back(session, RATE, 2.0, 200.0, NOW)
    assert (await rates.lease(session, RATE, 2, 200, NOW, 5.0)).requests == 2


async def test_what_is_given_back_makes_no_more_than_a_minutes_worth(rates: RateStore, session: str) -> None:
    await rates.give_back(session, RATE, 50.0, 5_000.0, NOW)
    await drain(rates, session)
    assert (await rates.lease(session, RATE, 1, 1, NOW, 5.0)).requests == 0


async def test_what_was_used_beyond_a_lease_is_paid_for(rates: RateStore, session: str) -> None:
    await drain(rates, session)
    await rates.give_back(session, RATE, 0.0, -600.0, NOW)
    assert await rates.lease(session, RATE, 1, 100, NOW, 5.0) == Lease(wait=7.0)


async def test_a_clock_that_is_behind_takes_nothing_away(rates: RateStore, session: str) -> None:
    await drain(rates, session)
    await rates.lease(session, RATE, 1, 100, NOW + 2.0, 5.0)
    assert (await rates.lease(session, RATE, 1, 100, NOW - 60.0, 5.0)).requests == 1
    # And it does not fill the bucket twice for the same time.
    assert (await rates.lease(session, RATE, 1, 100, NOW + 2.0, 5.0)).requests == 0


async def test_a_limit_that_is_lowered_holds_at_once(rates: RateStore, session: str) -> None:
    await rates.lease(session, RATE, 1, 1, NOW, 0.0)
    lowered = Rate(requests=6, tokens=600)
    assert (await rates.lease(session, lowered, 6, 600, NOW, 5.0)).requests == 6
    assert (await rates.lease(session, lowered, 1, 1, NOW, 5.0)).wait == 10.0


async def test_a_blocked_key_grants_nothing_until_its_time(rates: RateStore, session: str) -> None:
    await rates.block(session, NOW + 30)
    await rates.block(session, NOW + 10)
    assert await rates.lease(session, RATE, 1, 1, NOW, 5.0) == Lease(wait=30.0)
    assert (await rates.blocks(NOW))[session] == NOW + 30
    assert session not in await rates.blocks(NOW + 30)
    assert (await rates.lease(session, RATE, 1, 1, NOW + 30, 5.0)).requests == 5


async def test_100_leases_at_once_never_take_more_than_there_is(state: State, url: str, session: str) -> None:
    other = await open_state(url)
    leases = await asyncio.gather(
        *(store.rates.lease(session, RATE, 1, 10, NOW, 5.0) for _ in range(50) for store in (state, other))
    )
    await other.close()
    assert sum(lease.requests for lease in leases) == 60
    assert sum(lease.tokens for lease in leases) <= 6_000


async def test_one_worker_does_not_take_it_all(rates: RateStore, session: str) -> None:
    """Each asks as soon as it has used up what it got; from a full bucket all get something in each round."""
    for _ in range(4):
        for _worker in (1, 2, 3):
            assert (await rates.lease(session, RATE, 1, 1, NOW, 5.0)).requests >= 1


def test_no_worker_starves_on_a_small_limit() -> None:
    """Three workers that would use all they can get; two of them are far quicker to ask again."""
    dice = random.Random(4)
    rate = Rate(requests=60)
    bucket = Bucket(0.0, 0.0, 0.0)
    asks = [0.0, 0.0, 0.0]
    used = [0, 0, 0]
    for tick in range(3_000):
        now = tick / 10
        bucket = fill(bucket, rate, now)
        for worker in (0, 1, 2):
            if now < asks[worker]:
                continue
            taken = take(bucket, rate, 1, 0, 5.0)
            if taken is None:
                # Those who wait jitter it.
                asks[worker] = now + wait(bucket, rate, 1, 0) * dice.uniform(1.0, 1.5)
            else:
                bucket, lease = taken
                used[worker] += int(lease.requests)
                asks[worker] = now + (0.1, 0.1, 1.0)[worker]
    assert 290 <= sum(used) <= 300
    assert min(used) >= 40, used
