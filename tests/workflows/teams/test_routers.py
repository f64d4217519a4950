"""Routers: what a message needs, by rules, by a model, or by default; and the load of agents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from holdfast import Agent, App, BadInput, InvalidDeclaration, Route, Router, Routing, When
from holdfast.testing import Reply, Request, failed, say
from holdfast_activities.teams.routing.needs import by_rules, chosen

from ...support import eventually
from ..conftest import Start
from ..limited import events

REFUND = When(pattern=r"\brefund|money back", capabilities=("refunds",))
GERMAN = When(pattern="geld|bitte", capabilities=("german",))
VIA = Route(router="support")


def app(**options: Any) -> App:
    agents = [
        Agent("payments", model="openai:payments", routing=Routing(capabilities=("refunds", "german"))),
        Agent("desk", model="openai:desk", routing=Routing(capabilities=("general",))),
    ]
    return App(agents=agents, routers=[Router(name="support", otherwise=("general",), **options)])


def answers(classification: Reply) -> Callable[[Request], Reply]:
    def script(request: Request) -> Reply:
        return classification if request.model == "small" else say(f"I am {request.model}.")

    return script


def test_all_rules_that_match_count() -> None:
    router = Router(name="support", rules=(REFUND, GERMAN))
    assert by_rules(router, "I want my Money Back") == ("refunds",)
    assert by_rules(router, "Refund, bitte!") == ("refunds", "german")
    assert by_rules(router, "Hello") == ()


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ('["b", "a"]', ("b", "a")),
        ('```json\n["a", "made up", "a"]\n```', ("a",)),
        ("[1, null]", ()),
        ("[a]", ()),
        ("none", ()),
    ],
)
def test_only_known_names_of_a_models_answer_count(answer: str, names: tuple[str, ...]) -> None:
    assert chosen(answer, ["a", "b"]) == names


async def test_a_rule_that_matches_decides_without_the_model(start: Start) -> None:
    async with start(answers(failed(500, "No.")), app(rules=(REFUND,), model="openai:small")) as it:
        session = await it.holdfast.client.start(VIA, "I want a refund")
        assert (await session.wait()).text == "I am payments."
        assert [event.status for event in await events(session, "routed")] == ["rules"]
        assert len(it.model.requests) == 1


@pytest.mark.parametrize(
    ("classification", "agent", "by"),
    [
        (say('["refunds"]'), "payments", "model"),
        (say("I do not know."), "desk", "default"),
        (failed(400, "Bad."), "desk", "default"),
    ],
)
async def test_the_model_decides_where_no_rule_matches(
    start: Start, classification: Reply, agent: str, by: str
) -> None:
    async with start(answers(classification), app(rules=(REFUND,), model="openai:small")) as it:
        session = await it.holdfast.client.start(VIA, "My parcel is late")
        assert (await session.wait()).text == f"I am {agent}."
        assert [event.status for event in await events(session, "routed")] == [by]


async def test_a_large_message_is_read_from_the_state_database(start: Start) -> None:
    async with start(answers(say("[]")), app(rules=(REFUND,))) as it:
        assert await it.holdfast.client.run(VIA, "A refund. " + "x" * 10_000) == "I am payments."


async def test_an_unknown_router_is_refused(start: Start) -> None:
    async with start(answers(say("[]")), app()) as it:
        with pytest.raises(BadInput, match=r"No router 'suport'; did you mean 'support'\?"):
            await it.holdfast.client.run(Route(router="suport"), "Hello")
        with pytest.raises(BadInput, match="give the first message"):
            await it.holdfast.client.start(VIA)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rules": (When(pattern="(", capabilities=("german",)),)}, "not a regular expression"),
        ({"rules": (When(pattern="x", capabilities=("germn",)),)}, "'germn'.*german"),
        ({"model": "small"}, "small"),
    ],
)
def test_a_router_that_cannot_work_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidDeclaration, match=message):
        app(**options)


async def test_the_load_of_agents_is_listed(start: Start) -> None:
    async with start(answers(say("[]")), app()) as it:
        await it.holdfast.client.run(Route(capabilities=("general",)), "Hello")

        async def known() -> bool:  # what is known is up to a second old
            return {each.agent: each.success for each in await it.holdfast.client.agent_loads()}[
                "desk"
            ] == 1.0

        await eventually(known)
        desk, payments = await it.holdfast.client.agent_loads()
        assert (desk.running, desk.waiting, desk.success, desk.breaker) == (0, 0, 1.0, "closed")
        assert (desk.queue, desk.workers) == (it.holdfast.task_queue, 1)
        assert (payments.success, payments.p95) == (None, None)
        assert payments.capabilities == ("refunds", "german")
