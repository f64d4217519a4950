"""Agents that go on with a session when the models of its agent do not answer."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from holdfast import Agent, App, ErrorReply, InvalidDeclaration, ModelTransient, OtherAgent, Route, Routing
from holdfast.testing import Reply, Request, failed, say
from holdfast_activities import clock
from holdfast_workflows.contracts.agent.spec import RetryPolicy

from ..conftest import Running, Start
from ..limited import events

ONCE = RetryPolicy(attempts=1)
WORK = Routing(capabilities=("work",))


def agent(name: str, **options: object) -> Agent[str]:
    return Agent(name, model=f"openai:{name}", model_retry=ONCE, **options)  # type: ignore[arg-type] # by the tests


def only(*alive: str) -> Callable[[Request], Reply]:
    """A provider whose other models are down."""

    def script(request: Request) -> Reply:
        return say(f"I am {request.model}.") if request.model in alive else failed(503, "Down.")

    return script


async def running(it: Running) -> dict[str, int]:
    return {name: load.running for name, load in (await it.holdfast.state.assignments.loads()).items()}


async def test_another_agent_goes_on_with_the_session(start: Start) -> None:
    app = App(agents=[agent("first", fallbacks=[OtherAgent(agent="second")]), agent("second")])
    async with start(only("second"), app) as it:
        session = await it.holdfast.client.start("first", "Hello")
        assert (await session.wait()).text == "I am second."
        [changed] = await events(session, "agent_changed")
        assert (changed.name, changed.status) == ("second", "ok")
        assert "first" in changed.text
        assert (await session.send("Again")).text == "I am second."


async def test_agents_that_are_fallbacks_of_each_other_are_each_tried_once(start: Start) -> None:
    first = agent("first", fallbacks=[OtherAgent(agent="second"), ErrorReply(text="Sorry.")])
    second = agent("second", fallbacks=[OtherAgent(agent="first"), ErrorReply(text="Sorry, too.")])
    async with start(only(), App(agents=[first, second])) as it:
        session = await it.holdfast.client.start("first", "Hello")
        reply = await session.wait(raise_on_error=False)
        assert isinstance(reply.error, ModelTransient)
        assert [json.loads(seen.body)["model"] for seen in it.model.requests] == ["first", "second"]


async def test_the_next_agent_of_a_route_goes_on_without_being_declared(start: Start) -> None:
    app = App(agents=[agent(name, routing=WORK) for name in ("a", "b", "c")])
    async with start(only("c"), app) as it:
        session = await it.holdfast.client.start(Route(capabilities=("work",)), "Hello")
        assert (await session.wait()).text == "I am c."
        assert [event.name for event in await events(session, "agent_changed")] == ["b", "c"]


async def test_the_agents_that_failed_are_ranked_last_and_keep_no_place(start: Start) -> None:
    app = App(agents=[agent(name, routing=WORK) for name in ("a", "b")])
    async with start(only("b"), app) as it:
        assert await it.holdfast.client.run(Route(capabilities=("work",)), "Hello") == "I am b."
        assert await running(it) == {}
        recent = await it.holdfast.state.assignments.recent(clock.now())
        assert (recent["a"].failed, recent["b"].done) == (1, 1)


async def test_an_agent_with_another_shape_of_replies_is_no_implicit_fallback(start: Start) -> None:
    shaped = agent("b", routing=WORK, output_type={"type": "object", "properties": {}})
    async with start(only("b"), App(agents=[agent("a", routing=WORK), shaped])) as it:
        with pytest.raises(ModelTransient):
            await it.holdfast.client.run(Route(capabilities=("work",)), "Hello")


@pytest.mark.parametrize("target", ["nobody", "first"])
def test_a_fallback_agent_is_another_one_of_the_app(target: str) -> None:
    with pytest.raises(InvalidDeclaration, match="OtherAgent"):
        App(agents=[agent("first", fallbacks=[OtherAgent(agent=target)])])
