"""Places of agents: given one after the other, kept, freed and handed on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from holdfast_activities.state import open_state
from holdfast_activities.state.coordination.assignments import Load, Placed, Request
from holdfast_activities.state.database import State
from holdfast_workflows.contracts.teams.routed import RankedAgent
from holdfast_workflows.contracts.teams.routing import Routing

LIMITED = Routing(capabilities=(), max_sessions=1, max_queue=2)
FREE = Routing(capabilities=())
NAMES = ["s", "running", "late", "urgent", "waits", "new", "refused", "hasty"]


@pytest.fixture
async def state(url: str) -> AsyncIterator[State]:
    """A database without places, since they are counted over all sessions."""
    state = await open_state(url)
    await state.assignments.finish([f"s{n}" for n in range(50)] + NAMES, "cancelled", {}, 1.0)
    await state.erasing.prune(10_000.0)
    yield state
    await state.close()


def least(agents: Sequence[str], loads: Mapping[str, Load]) -> list[RankedAgent]:
    """Rank by the number of running turns."""
    running = {name: float(loads.get(name, Load()).running) for name in agents}
    return [
        RankedAgent(agent=name, seconds=running[name], why="")
        for name in sorted(agents, key=lambda name: (running[name], name))
    ]


async def place(
    state: State,
    session: str,
    now: float = 100.0,
    *,
    priority: int = 3,
    may_wait: bool = True,
    **limits: Routing,
) -> Placed:
    request = Request(session, tuple(limits), priority, now, may_wait)
    return await state.assignments.place(request, least, limits, now)


async def test_fifty_requests_at_once_see_each_others_places(state: State) -> None:
    placed = await asyncio.gather(*(place(state, f"s{n}", a=FREE, b=FREE) for n in range(50)))
    assert Counter(each.agent for each in placed) == {"a": 25, "b": 25}


async def test_a_repeated_request_keeps_its_place(state: State) -> None:
    assert (await place(state, "s", a=FREE)).agent == "a"
    assert (await place(state, "s", a=FREE)).agent == "a"
    assert (await state.assignments.loads())["a"].running == 1


async def test_a_freed_place_goes_to_the_first_request_of_the_highest_priority(state: State) -> None:
    await place(state, "running", a=LIMITED)
    late = await place(state, "late", 101.0, a=LIMITED)
    urgent = await place(state, "urgent", 102.0, priority=1, a=LIMITED)
    assert (late.agent, late.position) == ("", 1)
    assert (urgent.agent, urgent.position) == ("", 1)
    assert await state.assignments.finish(["running"], "done", {"a": LIMITED}, 103.0) == ("urgent",)
    assert (await place(state, "urgent", 104.0, priority=1, a=LIMITED)).agent == "a"
    assert (await place(state, "late", 104.0, a=LIMITED)).position == 1


async def test_a_new_request_does_not_overtake_one_that_waits(state: State) -> None:
    await place(state, "running", a=LIMITED)
    await place(state, "waits", 101.0, a=LIMITED)
    wider = LIMITED.model_copy(update={"max_sessions": 2})
    new = await place(state, "new", 102.0, a=wider)
    assert (new.agent, new.woken) == ("", ("waits",))


async def test_a_full_queue_refuses_and_leaves_no_trace(state: State) -> None:
    for number in range(3):
        await place(state, f"s{number}", 100.0 + number, a=LIMITED)
    refused = await place(state, "refused", 110.0, a=LIMITED)
    assert (refused.agent, refused.position) == ("", 0)
    loads = await state.assignments.loads()
    assert (loads["a"].running, loads["a"].waiting) == (1, 2)


async def test_a_request_that_may_not_wait_is_refused(state: State) -> None:
    await place(state, "running", a=LIMITED)
    assert (await place(state, "hasty", may_wait=False, a=LIMITED)).position == 0


async def test_a_turn_that_was_not_routed_counts_once(state: State) -> None:
    await state.assignments.claim("s", 1, "a", 100.0)
    await state.assignments.claim("s", 1, "a", 101.0)
    assert (await state.assignments.loads())["a"].running == 1
    await state.assignments.finish(["s"], "done", {"a": FREE}, 102.0)
    await state.assignments.claim("s", 1, "a", 103.0)  # a late attempt of a lost worker
    assert "a" not in await state.assignments.loads()


async def test_the_first_turn_of_a_routed_session_is_not_counted_twice(state: State) -> None:
    await place(state, "s", a=FREE)
    await state.assignments.claim("s", 1, "a", 101.0)
    assert (await state.assignments.loads())["a"].running == 1


async def test_success_and_latency_are_those_of_the_last_turns(state: State) -> None:
    for number, status in enumerate(["done"] * 3 + ["failed", "cancelled"]):
        await state.assignments.claim(f"s{number}", 1, "a", 100.0)
        await state.assignments.finish([f"s{number}"], status, {"a": FREE}, 101.0 + number)
    recent = (await state.assignments.recent(110.0))["a"]
    assert (recent.done, recent.failed, recent.mean, recent.p95) == (3, 1, 2.0, 3.0)
    assert await state.assignments.recent(10_000.0) == {}


async def test_a_session_that_goes_on_with_another_agent_has_a_place_of_that_one(state: State) -> None:
    await place(state, "s", a=FREE)
    for agent in ("b", "c"):
        await state.assignments.finish(["s"], "failed", {}, 101.0)
        await state.assignments.claim_next("s", agent, 101.0)
        await state.assignments.claim("s", 1, agent, 101.0)  # by its first step
        assert await state.assignments.loads() == {agent: Load(running=1)}
    assert (await state.assignments.recent(102.0))["a"].failed == 1


@pytest.mark.parametrize("before", [150.0, 50.0])
async def test_places_that_were_not_checked_for_long_are_found(state: State, before: float) -> None:
    await place(state, "s", a=FREE)
    found = [row.session for row in await state.assignments.stale(before)]
    assert found == (["s"] if before > 100.0 else [])
