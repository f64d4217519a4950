from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from holdfast_activities.resilience import refreshing
from holdfast_activities.resilience.breakers import Admission, Breakers, counts
from holdfast_activities.state import State
from holdfast_activities.state.coordination.breaker import BreakerRule
from holdfast_workflows.contracts.errors import (
    BreakerOpen,
    HoldfastError,
    MalformedReply,
    ModelRejected,
    ModelTransient,
    ProviderQuota,
    RateLimited,
    StateUnavailable,
    ToolArgumentsInvalid,
    ToolFailed,
)
from holdfast_workflows.contracts.operations.breakers import BreakerView

from .conftest import DOUBT, NAME, Clock, Counting, fail, on_both_databases, refresh


class Provider:
    """A provider that is dead, or answers, once all that are coming are there; what reaches it is counted."""

    def __init__(self, *, alive: bool = False) -> None:
        self.alive = alive
        self.reached = 0
        self.refused: list[BreakerOpen] = []
        self._coming = 0
        self._all_there = asyncio.Event()

    async def burst(self, fleet: list[Breakers], count: int = 60) -> int:
        """So many calls at once over the fleet; how many reached the provider."""
        before = self.reached
        self._coming = count
        self._all_there.clear()
        await asyncio.gather(*(self._call(fleet[n % len(fleet)]) for n in range(count)))
        return self.reached - before

    async def _call(self, breakers: Breakers) -> None:
        admission = await self._admission(breakers)
        self._coming -= 1
        if self._coming == 0:
            self._all_there.set()
        if admission is None:
            return
        self.reached += 1
        await self._all_there.wait()
        if self.alive:
            await breakers.succeeded(admission)
        else:
            await breakers.failed(admission, "no answer")

    async def _admission(self, breakers: Breakers) -> Admission | None:
        try:
            return await breakers.admit(NAME)
        except BreakerOpen as error:
            self.refused.append(error)
            return None


@on_both_databases
async def test_five_failures_anywhere_open_a_breaker_everywhere(fleet: list[Breakers], clock: Clock) -> None:
    for n in range(5):
        await fail(fleet[n % 3])
        await refresh(fleet)
    clock.now += DOUBT
    for breakers in fleet:
        with pytest.raises(BreakerOpen, match="503") as refused:
            await breakers.admit(NAME)
        assert refused.value.retry_after is not None
        assert 60 <= refused.value.retry_after + DOUBT <= 66


async def test_a_memory_store_is_asked_again_sooner(breakers: Breakers, clock: Clock) -> None:
    """No run is parked for it: every second more is one in which sessions go without memories."""
    store = "memory:embedded"
    await fail(breakers, 5, store)
    with pytest.raises(BreakerOpen) as refused:
        await breakers.admit(store)
    assert (refused.value.retry_after or 0.0) >= 15, "a turn waited in doubt"
    clock.now += 14
    with pytest.raises(BreakerOpen) as refused:
        await breakers.admit(store)
    assert (refused.value.retry_after or 0.0) < 3
    clock.now += 2
    for _ in range(3):
        await breakers.succeeded(await breakers.admit(store))
    assert not (await breakers.admit(store)).probe


async def test_four_failures_and_a_success_leave_it_closed(fleet: list[Breakers]) -> None:
    for n in range(12):
        await fail(fleet[n % 3])
        await refresh(fleet)
        if n % 4 == 3:
            await fleet[(n + 1) % 3].succeeded(await fleet[(n + 1) % 3].admit(NAME))
            await refresh(fleet)
    await fleet[0].admit(NAME)


@on_both_databases
async def test_a_dead_provider_is_reached_by_few_of_a_burst_and_then_by_three_probes(
    fleet: list[Breakers], clock: Clock
) -> None:
    provider = Provider()
    await fail(fleet[0], 3)
    await refresh(fleet)
    assert await provider.burst(fleet) <= 2 * len(fleet)
    await refresh(fleet)
    assert await provider.burst(fleet) == 0
    clock.now += 61
    assert await provider.burst(fleet) <= 3
    await refresh(fleet)
    clock.now += 30
    assert await provider.burst(fleet) == 0
    [again] = {round(error.retry_after or 0) // 10 for error in provider.refused[-60:]}
    assert again == 3  # the cooldown began anew with the failed probe


async def test_one_worker_sends_no_more_than_five_to_a_dead_provider(fleet: list[Breakers]) -> None:
    provider = Provider()
    await fail(fleet[0], 3)
    assert await provider.burst(fleet[:1]) == 2
    assert await provider.burst(fleet[:1]) == 0


@on_both_databases
async def test_three_probes_in_the_whole_fleet_close_it_again(fleet: list[Breakers], clock: Clock) -> None:
    await fail(fleet[0], 5)
    clock.now += 61
    await refresh(fleet)
    provider = Provider(alive=True)
    assert await provider.burst(fleet) == 3
    await refresh(fleet)
    assert await provider.burst(fleet) == 60


async def test_who_is_refused_for_a_probe_comes_again_soon_and_not_with_the_others(
    fleet: list[Breakers], clock: Clock
) -> None:
    provider = Provider()
    await fail(fleet[0], 5)
    await refresh(fleet)
    clock.now += DOUBT
    await provider.burst(fleet)
    waits = [error.retry_after or 0 for error in provider.refused]
    assert len({round(wait, 1) for wait in waits}) > 20  # parked runs are spread over six seconds
    clock.now += 61
    for breakers in fleet:
        await breakers.admit(NAME)
    with pytest.raises(BreakerOpen) as refused:
        await fleet[0].admit(NAME)
    assert 1 <= (refused.value.retry_after or 0) <= 3


async def test_a_probe_that_is_abandoned_gives_its_place_back(fleet: list[Breakers], clock: Clock) -> None:
    await fail(fleet[0], 5)
    clock.now += 61
    probes = [await fleet[0].admit(NAME) for _ in range(3)]
    with pytest.raises(BreakerOpen):
        await fleet[0].admit(NAME)
    await fleet[0].abandoned(probes[0])
    assert (await fleet[0].admit(NAME)).probe


async def test_a_careful_call_that_is_abandoned_gives_its_place_back(fleet: list[Breakers]) -> None:
    await fail(fleet[0], 4)
    admission = await fleet[0].admit(NAME)
    assert admission.careful
    with pytest.raises(BreakerOpen) as refused:
        await fleet[0].admit(NAME)
    assert (refused.value.retry_after or 9) < 2
    await fleet[0].abandoned(admission)
    await fleet[0].succeeded(await fleet[0].admit(NAME))
    assert not (await fleet[0].admit(NAME)).careful


async def test_a_probe_that_never_came_back_is_replaced(fleet: list[Breakers], clock: Clock) -> None:
    await fail(fleet[0], 5)
    clock.now += 61
    for _ in range(3):
        await fleet[0].admit(NAME)
    clock.now += 151
    assert (await fleet[1].admit(NAME)).probe


async def test_a_healthy_breaker_costs_no_question_to_the_database(
    breakers: Breakers, circuits: Counting
) -> None:
    for _ in range(100):
        await breakers.succeeded(await breakers.admit(NAME))
    assert circuits.asked == ["load"]


async def test_one_success_forgets_the_failures_and_the_others_do_not_repeat_it(
    breakers: Breakers, circuits: Counting
) -> None:
    admissions = [await breakers.admit(NAME) for _ in range(50)]
    await fail(breakers, 2)
    circuits.asked.clear()
    await asyncio.gather(*(breakers.succeeded(admission) for admission in admissions))
    assert Counter(circuits.asked)["succeeded"] == 1


async def test_a_person_opens_and_closes_it_for_all(
    fleet: list[Breakers], state: State, clock: Clock
) -> None:
    by_hand = BreakerView(name=NAME, state="open", until=clock.now + 600, manual=True, reason="maintenance")
    await state.breakers.set(by_hand)
    await refresh(fleet)
    with pytest.raises(BreakerOpen, match="maintenance"):
        await fleet[2].admit(NAME)
    await state.breakers.set(BreakerView(name=NAME))
    await refresh(fleet)
    await fleet[2].admit(NAME)


async def test_a_worker_that_just_started_knows_of_an_open_breaker(
    state: State, fleet: list[Breakers], clock: Clock
) -> None:
    await fail(fleet[0], 5)
    late = Breakers(state.breakers, clock=clock)
    with pytest.raises(BreakerOpen):
        await late.admit(NAME)
    await late.close()


async def test_without_the_database_a_worker_goes_by_what_it_knows(
    breakers: Breakers, circuits: Counting, clock: Clock
) -> None:
    circuits.down = StateUnavailable("connection refused")
    provider = Provider()
    for _ in range(5):
        assert await provider.burst([breakers], 1) == 1
    assert await provider.burst([breakers], 1) == 0
    clock.now += 61
    provider.alive = True
    for _ in range(3):
        assert await provider.burst([breakers], 1) == 1
    assert await provider.burst([breakers]) == 60


async def test_a_database_that_hangs_holds_a_call_up_once_and_not_for_long(
    breakers: Breakers, circuits: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(refreshing, "PAUSE_SECONDS", 60.0)
    circuits.hung = True
    async with asyncio.timeout(30):
        await fail(breakers, 5)
        with pytest.raises(BreakerOpen):
            await breakers.admit(NAME)
    assert len(circuits.asked) <= 2


async def test_failures_that_are_still_being_reported_count_already(
    breakers: Breakers, circuits: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "ANSWER_SECONDS", 0.1)
    admissions = [await breakers.admit(NAME) for _ in range(5)]
    circuits.hung = True
    reports = [asyncio.create_task(breakers.failed(admission, "503")) for admission in admissions]
    await asyncio.sleep(0)
    with pytest.raises(BreakerOpen):
        await breakers.admit(NAME)
    await asyncio.gather(*reports)


async def test_a_reading_that_is_older_than_a_report_does_not_undo_it(
    breakers: Breakers, circuits: Counting
) -> None:
    await fail(breakers, 4)
    circuits.held = asyncio.Event()
    reading = asyncio.create_task(breakers.refresh())
    await circuits.holding.wait()
    await fail(breakers)
    circuits.held.set()
    await reading
    with pytest.raises(BreakerOpen):
        await breakers.admit(NAME)


async def test_many_who_want_to_probe_do_not_all_ask_the_database(
    breakers: Breakers, circuits: Counting, clock: Clock
) -> None:
    await fail(breakers, 5)
    clock.now += 61
    provider = Provider(alive=True)
    assert await provider.burst([breakers]) == 3
    assert Counter(circuits.asked)["probe"] <= 4


async def test_a_breaker_of_another_name_is_another_breaker(fleet: list[Breakers]) -> None:
    await fail(fleet[0], 5, name="tool:refund")
    await fleet[0].admit(NAME)


async def test_a_rule_of_one_failure_lets_a_healthy_part_be_used_freely(state: State, clock: Clock) -> None:
    breakers = Breakers(state.breakers, rule=BreakerRule(failures=1, cooldown=5, probes=1), clock=clock)
    await asyncio.gather(*(breakers.admit(NAME) for _ in range(10)))
    await fail(breakers)
    with pytest.raises(BreakerOpen):
        await breakers.admit(NAME)
    await breakers.close()


async def test_reading_stops_when_nobody_calls(
    breakers: Breakers, circuits: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "REFRESH_SECONDS", 0.01)
    monkeypatch.setattr(refreshing, "IDLE_SECONDS", 60.0)
    circuits.held = asyncio.Event()
    circuits.held.set()
    before = asyncio.all_tasks()
    await breakers.admit(NAME)
    [reading] = asyncio.all_tasks() - before
    async with asyncio.timeout(30):
        for _ in range(2):
            circuits.holding.clear()
            await circuits.holding.wait()
        monkeypatch.setattr(refreshing, "IDLE_SECONDS", 0.0)
        await reading
    monkeypatch.setattr(refreshing, "IDLE_SECONDS", 60.0)
    await breakers.admit(NAME)
    assert asyncio.all_tasks() - before


@pytest.mark.parametrize(("error", "expected"), [
    (ModelTransient("503"), True),
    (RateLimited("429"), False),
    (MalformedReply("half"), False),
    (ModelRejected("404"), False),
    (ProviderQuota("402"), True),
    (ToolFailed("boom"), True),
    (ToolFailed("404", retryable=False), False),
    (ToolArgumentsInvalid("x"), False),
    (StateUnavailable("down"), False),
    (BreakerOpen("provider:x"), False),
])  # fmt: skip
def test_only_trouble_of_the_other_side_counts(error: HoldfastError, expected: bool) -> None:
    assert counts(error) is expected
