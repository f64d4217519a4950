"""Sessions that name capabilities instead of an agent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from holdfast import Agent, AllAgentsBusy, App, NoCapableAgent, Route, Routing
from holdfast.testing import Reply, Request, say
from holdfast_activities.teams.routing import places
from holdfast_client import Session

from ...support import eventually
from ..conftest import Running, Start
from ..limited import events

Script = Callable[[Request], Awaitable[Reply]]


def app(**routings: Routing) -> App:
    return App(
        agents=[Agent(name, model=f"openai:{name}", routing=routing) for name, routing in routings.items()]
    )


async def by_name(request: Request) -> Reply:
    return say(f"I am {request.model}.")


class Held:
    """A model that answers when the test says so."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked: list[str] = []

    async def __call__(self, request: Request) -> Reply:
        self.asked.append(request.model)
        await self.go.wait()
        return say(f"I am {request.model}.")


async def test_a_request_goes_to_an_agent_that_has_all_capabilities(start: Start) -> None:
    two = app(german=Routing(capabilities=("refunds", "german")), english=Routing(capabilities=("refunds",)))
    async with start(by_name, two) as it:
        session = await it.holdfast.client.start(Route(capabilities=("refunds", "german")), "Geld zurück!")
        assert (await session.wait()).text == "I am german."
        assert (await session.view()).agent == "german"
        [routed] = await events(session, "routed")
        assert (routed.name, routed.status) == ("german", "caller")
        assert "needs refunds, german; german" in routed.text


async def test_a_missing_capability_is_named(start: Start) -> None:
    async with start(by_name, app(german=Routing(capabilities=("refunds", "german")))) as it:
        with pytest.raises(NoCapableAgent, match="no agent has 'french'; known: german, refunds"):
            await it.holdfast.client.run(Route(capabilities=("refunds", "french")), "Bonjour")


def one(max_sessions: int = 1, max_queue: int = 100) -> App:
    return app(only=Routing(capabilities=("work",), max_sessions=max_sessions, max_queue=max_queue))


WORK = Route(capabilities=("work",))


async def waits(session: Session) -> None:
    """Wait until a session waits for a place."""

    async def check() -> bool:
        view = await session.view()
        return view.status == "waiting" and "every agent is busy" in view.waiting_for

    await eventually(check)


async def running(it: Running, agent: str) -> int:
    load = (await it.holdfast.state.assignments.loads()).get(agent)
    return load.running if load else 0


async def test_a_request_waits_for_a_place_and_is_woken_when_one_is_free(start: Start) -> None:
    model = Held()
    async with start(model, one(max_sessions=1)) as it:
        first = await it.holdfast.client.start(WORK, "First")
        await eventually(lambda: asked(model, 1))
        second = await it.holdfast.client.start(WORK, "Second")
        await waits(second)
        model.go.set()
        assert (await first.wait()).text == "I am only."
        # Well before it would ask again.
        async with asyncio.timeout(10):
            assert (await second.wait()).text == "I am only."


async def asked(model: Held, count: int) -> bool:
    return len(model.asked) == count


async def test_the_request_with_the_higher_priority_is_served_first(start: Start) -> None:
    model = Held()
    async with start(model, one(max_sessions=1)) as it:
        client = it.holdfast.client
        first = await client.start_task(WORK, "First")
        await eventually(lambda: asked(model, 1))
        late = await client.start_task(WORK, "Late")
        await waits(late)
        urgent = await client.start_task(WORK, "Urgent", priority=1)
        await waits(urgent)
        model.go.set()
        for session in (first, late, urgent):
            await session.result()
        [served], [served_late] = await events(urgent, "routed"), await events(late, "routed")
        assert served.at < served_late.at


@pytest.mark.parametrize(
    ("routing", "route"),
    [
        ({"max_sessions": 1}, Route(capabilities=("work",), max_wait=0)),
        ({"max_sessions": 1, "max_queue": 0}, WORK),
    ],
)
async def test_a_request_is_refused_where_it_may_not_wait(
    start: Start, routing: dict[str, int], route: Route
) -> None:
    model = Held()
    async with start(model, one(**routing)) as it:
        await it.holdfast.client.start(WORK, "First")
        await eventually(lambda: asked(model, 1))
        with pytest.raises(AllAgentsBusy, match="only: 1 running of 1") as refused:
            await it.holdfast.client.start(route, "Second")
        assert refused.value.retry_after is not None
        model.go.set()


async def test_a_request_waits_no_longer_than_it_may(start: Start) -> None:
    model = Held()
    async with start(model, one(max_sessions=1)) as it:
        await it.holdfast.client.start(WORK, "First")
        await eventually(lambda: asked(model, 1))
        hasty = WORK.model_copy(update={"max_wait": 1.0})
        with pytest.raises(AllAgentsBusy, match="waited"):  # on a busy machine by the start itself
            await it.holdfast.client.run(hasty, "Second")
        model.go.set()


async def test_each_turn_of_a_conversation_counts_while_it_runs(start: Start) -> None:
    model = Held()
    async with start(model, one(max_sessions=1)) as it:
        session = await it.holdfast.client.start(WORK, "First")
        await eventually(lambda: asked(model, 1))
        assert await running(it, "only") == 1
        model.go.set()
        await session.wait()
        await eventually(lambda: idle(it))
        model.go.clear()
        await session.send("Second", wait=False)
        await eventually(lambda: asked(model, 2))
        assert await running(it, "only") == 1
        model.go.set()
        await session.wait()


async def idle(it: Running) -> bool:
    return await running(it, "only") == 0


async def test_a_session_that_was_not_routed_counts_too(start: Start) -> None:
    model = Held()
    async with start(model, one(max_sessions=1)) as it:
        await it.holdfast.client.start("only", "Direct")
        await eventually(lambda: asked(model, 1))
        with pytest.raises(AllAgentsBusy):
            await it.holdfast.client.start(WORK.model_copy(update={"max_wait": 0.0}), "Routed")
        model.go.set()


async def test_the_place_of_a_terminated_session_is_freed(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_STALE", 0.0)
    monkeypatch.setattr(places, "_SWEEP", 0.0)
    model = Held()
    async with start(model, one(max_sessions=1)) as it:
        session = await it.holdfast.client.start(WORK, "First")
        await eventually(lambda: asked(model, 1))
        await it.holdfast.temporal.get_workflow_handle(session.id).terminate()
        model.go.set()
        assert await it.holdfast.client.run(WORK, "Second") == "I am only."


async def test_an_agent_whose_service_queue_has_no_worker_is_left_out(start: Start) -> None:
    routing = Routing(capabilities=("work",))
    served = Agent("served", model="openai:served", routing=routing)
    away = Agent("away", model="openai:away", routing=routing, queue="research")
    async with (
        start(by_name, App(agents=[away, served]), worker=False) as it,
        it.holdfast.worker(queues=""),
    ):
        session = await it.holdfast.client.start(WORK, "Go")
        assert (await session.wait()).text == "I am served."
        [routed] = await events(session, "routed")
        assert f"away: no worker serves {it.holdfast.task_queue}-research" in routed.text
