"""Circuit breakers that all workers share, on both databases. Times are the tests' own."""

import asyncio

import pytest

from holdfast_activities.state import State, open_state
from holdfast_activities.state.coordination.breaker import BreakerRule
from holdfast_activities.state.coordination.breakers import BreakerStore
from holdfast_workflows.contracts.operations.breakers import BreakerView

RULE = BreakerRule(failures=3, cooldown=60.0, probes=3, probe_seconds=150.0)
OPENED = 1_002.0
"""When the breaker that ``open_one`` opens does."""

OVER = OPENED + RULE.cooldown
"""When it lets probes through."""


@pytest.fixture
def breakers(state: State) -> BreakerStore:
    return state.breakers


async def open_one(breakers: BreakerStore, name: str) -> BreakerView:
    for earlier in (2, 1):
        await breakers.failed(name, RULE, OPENED - earlier, reason="refused")
    return await breakers.failed(name, RULE, OPENED, reason="refused")


async def shown(breakers: BreakerStore, name: str) -> BreakerView | None:
    """The breaker as everybody sees it."""
    return next((view for view in await breakers.load() if view.name == name), None)


async def test_a_breaker_opens_after_so_many_failures_in_a_row(breakers: BreakerStore, session: str) -> None:
    for count in (1, 2):
        assert await breakers.failed(session, RULE, 1_000.0, reason="refused") == BreakerView(
            name=session, failures=count, reason="refused"
        )
    opened = await breakers.failed(session, RULE, OPENED, reason="refused")
    assert opened == BreakerView(
        name=session, state="open", failures=3, until=OVER, opened=OPENED, reason="refused"
    )
    assert await shown(breakers, session) == opened


async def test_a_success_resets_the_count_of_failures(breakers: BreakerStore, session: str) -> None:
    for _ in range(4):
        await breakers.failed(session, RULE, 1_000.0)
        await breakers.failed(session, RULE, 1_000.0)
        assert (await breakers.succeeded(session, RULE, 1_000.0)).failures == 0
    assert (await breakers.failed(session, RULE, 1_000.0)).state == "closed"


async def test_failures_are_counted_over_all_workers(state: State, url: str, session: str) -> None:
    other = await open_state(url)
    rule = BreakerRule(failures=40)
    views = await asyncio.gather(
        *(store.breakers.failed(session, rule, 1_000.0) for _ in range(20) for store in (state, other))
    )
    await other.close()
    assert sorted(view.failures for view in views) == list(range(1, 41))
    assert [view.state for view in views].count("open") == 1


async def test_a_breaker_that_was_never_seen_is_closed_and_not_listed(
    breakers: BreakerStore, session: str
) -> None:
    assert await breakers.succeeded(session, RULE, 1_000.0) == BreakerView(name=session)
    assert await breakers.probe(session, RULE, 1_000.0, "t") is None
    await breakers.release(session, "t")
    assert await shown(breakers, session) is None


async def test_outcomes_of_calls_before_the_opening_are_ignored(breakers: BreakerStore, session: str) -> None:
    opened = await open_one(breakers, session)
    assert await breakers.failed(session, RULE, OPENED + 30, reason="late") == opened
    assert await breakers.succeeded(session, RULE, OPENED + 30) == opened
    probing = await breakers.probe(session, RULE, OVER, "p1")
    assert probing is not None
    assert await breakers.failed(session, RULE, OVER, reason="late") == probing
    assert await breakers.succeeded(session, RULE, OVER) == probing
    assert probing.state == "half_open"


async def test_an_answer_that_comes_just_after_it_opened_has_it_probed(
    breakers: BreakerStore, session: str
) -> None:
    await open_one(breakers, session)
    for late in range(5):
        assert (await breakers.succeeded(session, RULE, OPENED + late)).state == "half_open"
    assert await breakers.probe(session, RULE, OPENED + 4, "p1") is not None
    assert await breakers.probe(session, RULE, OPENED + 4, "p2") is None
    assert (await breakers.succeeded(session, RULE, OPENED + 4, probe="p1")).state == "closed"


async def test_a_manually_opened_breaker_ignores_outcomes(breakers: BreakerStore, session: str) -> None:
    by_hand = BreakerView(name=session, state="open", until=OVER, opened=OPENED, manual=True)
    opened = await breakers.set(by_hand)
    assert await breakers.succeeded(session, RULE, OPENED) == opened


async def test_no_probe_is_let_through_before_the_time(breakers: BreakerStore, session: str) -> None:
    opened = await open_one(breakers, session)
    assert await breakers.probe(session, RULE, OVER - 0.1, "p1") is None
    assert await shown(breakers, session) == opened
    assert await breakers.probe(session, RULE, OVER, "p1") is not None


async def test_at_most_3_probes_of_50_takers_are_let_through(state: State, url: str, session: str) -> None:
    other = await open_state(url)
    await open_one(state.breakers, session)
    taken = await asyncio.gather(
        *(
            store.breakers.probe(session, RULE, OVER, f"{mark}{n}")
            for n in range(25)
            for mark, store in (("a", state), ("b", other))
        )
    )
    await other.close()
    assert sum(view is not None for view in taken) == 3


async def test_probes_that_passed_keep_their_places(breakers: BreakerStore, session: str) -> None:
    await open_one(breakers, session)
    for token in ("p1", "p2", "p3"):
        assert await breakers.probe(session, RULE, OVER, token) is not None
    await breakers.succeeded(session, RULE, OVER + 1, probe="p1")
    assert await breakers.probe(session, RULE, OVER + 2, "p4") is None


async def test_it_closes_when_all_probes_have_passed(breakers: BreakerStore, session: str) -> None:
    await open_one(breakers, session)
    for token in ("p1", "p2", "p3"):
        await breakers.probe(session, RULE, OVER, token)
    for token in ("p3", "p1"):
        assert (await breakers.succeeded(session, RULE, OVER + 1, probe=token)).state == "half_open"
    # Told twice is told once.
    assert (await breakers.succeeded(session, RULE, OVER + 1, probe="p1")).state == "half_open"
    assert await breakers.succeeded(session, RULE, OVER + 1, probe="p2") == BreakerView(name=session)
    assert (await breakers.failed(session, RULE, OVER + 2)).failures == 1


async def test_one_probe_that_fails_opens_it_again(breakers: BreakerStore, session: str) -> None:
    await open_one(breakers, session)
    for token in ("p1", "p2", "p3"):
        await breakers.probe(session, RULE, OVER, token)
    await breakers.succeeded(session, RULE, OVER + 1, probe="p1")
    again = await breakers.failed(session, RULE, OVER + 2, probe="p2", reason="still down")
    assert (again.state, again.until, again.reason) == ("open", OVER + 2 + RULE.cooldown, "still down")
    # The third is of an earlier time now: it neither lengthens this one nor counts for the next.
    assert await breakers.failed(session, RULE, OVER + 3, probe="p3") == again
    for token in ("q1", "q2", "q3"):
        assert await breakers.probe(session, RULE, again.until, token) is not None
    await breakers.succeeded(session, RULE, again.until, probe="p3")
    await breakers.succeeded(session, RULE, again.until, probe="q1")
    assert (await breakers.succeeded(session, RULE, again.until, probe="q2")).state == "half_open"


async def test_the_place_of_a_probe_that_is_lost_is_free_after_a_time(
    breakers: BreakerStore, session: str
) -> None:
    await open_one(breakers, session)
    for token in ("p1", "p2", "p3"):
        await breakers.probe(session, RULE, OVER, token)
    assert await breakers.probe(session, RULE, OVER + 149, "p4") is None
    assert await breakers.probe(session, RULE, OVER + 150, "p4") is not None
    # What a lost one says later is not heard.
    assert (await breakers.failed(session, RULE, OVER + 151, probe="p1")).state == "half_open"


async def test_the_place_of_a_probe_that_was_never_sent_can_be_given_back(
    breakers: BreakerStore, session: str
) -> None:
    await open_one(breakers, session)
    for token in ("p1", "p2", "p3"):
        await breakers.probe(session, RULE, OVER, token)
    await breakers.release(session, "p2")
    assert await breakers.probe(session, RULE, OVER, "p4") is not None
    assert await breakers.probe(session, RULE, OVER, "p5") is None


async def test_a_breaker_opened_by_hand_stays_open_until_its_time(
    breakers: BreakerStore, session: str
) -> None:
    by_hand = BreakerView(
        name=session, state="open", until=5_000.0, opened=1_000.0, manual=True, reason="we pay too much"
    )
    assert await breakers.set(by_hand) == by_hand
    assert await shown(breakers, session) == by_hand
    assert await breakers.succeeded(session, RULE, 1_001.0) == by_hand
    assert await breakers.failed(session, RULE, 1_001.0) == by_hand
    assert await breakers.probe(session, RULE, 4_999.0, "p1") is None
    probing = await breakers.probe(session, RULE, 5_000.0, "p1")
    assert probing is not None
    assert (probing.state, probing.manual) == ("half_open", False)


async def test_a_breaker_closed_by_hand_starts_again(breakers: BreakerStore, session: str) -> None:
    await open_one(breakers, session)
    await breakers.probe(session, RULE, OVER, "p1")
    assert await breakers.set(BreakerView(name=session, state="closed")) == BreakerView(name=session)
    assert await breakers.failed(session, RULE, OVER + 1, probe="p1") == BreakerView(name=session, failures=1)


async def test_breakers_are_independent(breakers: BreakerStore, session: str) -> None:
    await open_one(breakers, session)
    assert (await breakers.failed(session + "x", RULE, 1_000.0)).failures == 1


async def test_reasons_that_databases_refuse_are_cleaned(breakers: BreakerStore, session: str) -> None:
    assert (await breakers.failed(session, RULE, 1_000.0, reason="a\0\ud800")).reason == "a\ufffd\ufffd"
