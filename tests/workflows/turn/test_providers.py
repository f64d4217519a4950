"""The provider chain of a turn: who is asked, who is spared, and what happens when nobody answers."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from holdfast import Agent, App, CachedReply, SimplifiedReply
from holdfast.testing import Reply, Request, call, failed, overloaded, rate_limited, say, unauthorized
from holdfast_activities.state.coordination.breaker import BreakerRule
from holdfast_workflows.contracts.agent.spec import RetryPolicy
from holdfast_workflows.contracts.errors import AllProvidersFailed, BreakerOpen

from ...support import eventually, look
from ..conftest import Start

QUICK = RetryPolicy(attempts=2, first_delay=0.05, max_delay=0.1, adaptive=False)


def app(*models: str, **options: Any) -> App:
    options = {"model_retry": QUICK, "tools": [look], **options}
    return App(agents=[Agent("helper", model=list(models), instructions="Help.", **options)])


class Script:
    """Two providers: the first in OpenAI's form, the second in Anthropic's."""

    def __init__(self, openai: Reply, anthropic: Reply) -> None:
        self.replies = {"openai": openai, "anthropic": anthropic}
        self.asked: list[str] = []

    def __call__(self, request: Request) -> Reply:
        self.asked.append(request.wire)
        return self.replies[request.wire]


async def test_the_next_provider_answers_where_the_first_fails(start: Start) -> None:
    script = Script(overloaded(), say("Here."))
    async with start(script, app("openai:a", "anthropic:b")) as it:
        assert (await (await it.holdfast.client.start("helper", "Hi")).wait()).text == "Here."
    assert script.asked == ["openai", "anthropic"]


async def test_when_all_fail_the_error_names_each_cause(start: Start) -> None:
    script = Script(overloaded(), unauthorized())
    async with start(script, app("openai:a", "anthropic:b")) as it:
        reply = await (await it.holdfast.client.start("helper", "Hi")).wait(raise_on_error=False)
    assert isinstance(reply.error, AllProvidersFailed)
    assert "openai:a: model_transient" in reply.error.detail
    assert "anthropic:b: model_rejected" in reply.error.detail


async def test_a_failing_chain_sends_no_more_requests_than_its_attempts_allow(start: Start) -> None:
    script = Script(overloaded(), overloaded())
    async with start(script, app("openai:a", "anthropic:b")) as it:
        await (await it.holdfast.client.start("helper", "Hi")).wait(raise_on_error=False)
    assert script.asked == ["openai", "anthropic"] * QUICK.attempts


async def test_a_short_wait_that_a_provider_asks_for_is_kept_without_asking_the_next(start: Start) -> None:
    at: list[float] = []

    def script(request: Request) -> Reply:
        at.append(time.monotonic())
        assert request.wire == "openai"
        return rate_limited(1.0) if len(at) == 1 else say("Here.")

    async with start(script, app("openai:a", "anthropic:b")) as it:
        assert (await (await it.holdfast.client.start("helper", "Hi")).wait()).text == "Here."
    assert at[1] - at[0] >= 1.0


async def test_a_provider_that_never_lets_through_is_not_the_last_one_asked(start: Start) -> None:
    script = Script(rate_limited(0.05), say("Here."))
    async with start(script, app("openai:a", "anthropic:b")) as it:
        assert (await (await it.holdfast.client.start("helper", "Hi")).wait()).text == "Here."
    assert script.asked == [*["openai"] * QUICK.attempts, "anthropic"]


async def test_short_waits_without_end_use_up_attempts_and_not_the_turns_patience(start: Start) -> None:
    script = Script(rate_limited(0.05), unauthorized())
    async with start(script, app("openai:a", "anthropic:b")) as it:
        reply = await (await it.holdfast.client.start("helper", "Hi")).wait(raise_on_error=False)
    assert isinstance(reply.error, AllProvidersFailed)
    assert script.asked == [*["openai"] * QUICK.attempts, "anthropic"]


async def test_a_long_wait_that_a_provider_asks_for_goes_to_the_next(start: Start) -> None:
    script = Script(rate_limited(90), say("Here."))
    async with start(script, app("openai:a", "anthropic:b")) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        assert (await session.wait()).text == "Here."
        assert (await session.send("Again")).text == "Here."
    assert script.asked == ["openai", "anthropic", "anthropic"], "it was asked again before its time"


async def test_an_open_breaker_costs_no_request_and_the_next_provider_answers(start: Start) -> None:
    script = Script(overloaded(), say("Here."))
    async with start(script, app("openai:a", "anthropic:b")) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        for _ in range(7):
            assert (await session.send("Again")).text == "Here."
    assert script.asked.count("openai") == BreakerRule().failures


async def test_a_blip_of_the_next_provider_is_tried_again_soon_though_the_first_stays_open(
    start: Start,
) -> None:
    script = Script(say("Never asked."), overloaded())

    def once(request: Request) -> Reply:
        return script(request) if not script.asked else say("Here.")

    async with start(once, app("openai:a", "anthropic:b")) as it:
        await it.holdfast.client.set_breaker("provider:openai", "open", seconds=600)
        async with asyncio.timeout(30):
            assert (await (await it.holdfast.client.start("helper", "Hi")).wait()).text == "Here."
    assert script.asked == ["anthropic"]


async def test_without_another_provider_a_run_parks_until_the_breaker_lets_it_through(start: Start) -> None:
    script = Script(say("Here."), say("Never asked."))
    async with start(script, app("openai:a")) as it:
        await it.holdfast.client.set_breaker("provider:openai", "open", seconds=600, reason="maintenance")
        session = await it.holdfast.client.start("helper", "Hi")

        async def is_waiting() -> bool:
            return (await session.view()).status == "waiting"

        await eventually(is_waiting)
        assert "maintenance" in (await session.view()).waiting_for
        assert script.asked == []
        await session.cancel()
        reply = await session.wait(raise_on_error=False)
    assert reply.status == "cancelled"


async def test_a_run_parks_no_longer_than_its_patience(start: Start) -> None:
    script = Script(say("Here."), say("Never asked."))
    async with start(script, app("openai:a", max_wait=0.0)) as it:
        await it.holdfast.client.set_breaker("provider:openai", "open", seconds=600)
        reply = await (await it.holdfast.client.start("helper", "Hi")).wait(raise_on_error=False)
    assert isinstance(reply.error, BreakerOpen)
    assert script.asked == []


async def test_a_kept_reply_answers_the_same_prompt_when_nobody_else_does(start: Start) -> None:
    answers = [say("Forty-two."), *[overloaded()] * 10]
    agent = app("openai:a", fallbacks=[CachedReply(max_age=60)])
    async with start(answers, agent) as it:
        first = await it.holdfast.client.run("helper", "What is it?")
        second = await it.holdfast.client.run("helper", "What is it?")
    assert (first, second) == ("Forty-two.", "Forty-two.")


@pytest.mark.parametrize("prompt", ["What is that?"])
async def test_a_kept_reply_does_not_answer_another_prompt(start: Start, prompt: str) -> None:
    answers = [say("Forty-two."), *[overloaded()] * 10]
    agent = app("openai:a", fallbacks=[CachedReply(max_age=60)])
    async with start(answers, agent) as it:
        await it.holdfast.client.run("helper", "What is it?")
        reply = await (await it.holdfast.client.start("helper", prompt)).wait(raise_on_error=False)
    assert reply.status == "failed"


async def test_a_simplified_reply_comes_from_the_message_alone_without_tools(start: Start) -> None:
    def script(request: Request) -> Reply:
        if request.model == "small":
            return say(f"{len(request.messages)} messages, {len(request.tools)} tools")
        return call("look", {"at": "table"}) if not request.results else overloaded()

    agent = app("openai:a", fallbacks=[CachedReply(max_age=60), SimplifiedReply(model="openai:small")])
    async with start(script, agent) as it:
        reply = await (await it.holdfast.client.start("helper", "Where is it?")).wait(raise_on_error=False)
    assert reply.text == "2 messages, 0 tools"


async def test_a_prompt_found_too_long_is_shortened_and_sent_once_more(start: Start) -> None:
    bodies: list[int] = []

    def script(request: Request) -> Reply:
        bodies.append(len(request.body))
        if len(request.body) > 12_000:
            return failed(400, "prompt is too long", code="context_length_exceeded")
        return say("Read.")

    async with start(script, app("openai:a")) as it:
        session = await it.holdfast.client.start("helper", "word " * 1_500)
        assert (await session.wait()).text == "Read."
        assert (await session.send("word " * 1_400)).text == "Read."
    assert len(bodies) == 3
    assert bodies[2] < bodies[1]


async def test_a_prompt_that_cannot_be_shortened_is_not_sent_again(start: Start) -> None:
    script = Script(failed(400, "prompt is too long", code="context_length_exceeded"), say("Unused."))
    async with start(script, app("openai:a")) as it:
        reply = await (await it.holdfast.client.start("helper", "Hi")).wait(raise_on_error=False)
    assert reply.error is not None
    assert reply.error.code == "context_too_long"
    assert script.asked == ["openai"]


async def test_a_filtered_prompt_is_cleaned_and_sent_once_more(start: Start) -> None:
    def script(request: Request) -> Reply:
        return say("Fine.") if b"evil.example" not in request.body else say("I c", finish="content_filter")

    async with start(script, app("openai:a")) as it:
        session = await it.holdfast.client.start("helper", "See https://evil.example/x and tell me.")
        assert (await session.wait()).text == "Fine."


async def test_attempts_are_counted_on_over_a_park(start: Start) -> None:
    script = Script(overloaded(), say("Never asked."))
    slow = RetryPolicy(attempts=2, first_delay=2.0, max_delay=2.0, adaptive=False)
    async with start(script, app("openai:a", model_retry=slow)) as it:
        session = await it.holdfast.client.start("helper", "Hi")

        async def asked() -> bool:
            return bool(script.asked)

        await eventually(asked)
        await it.holdfast.client.set_breaker("provider:openai", "open", seconds=4)
        reply = await session.wait(raise_on_error=False)
    assert reply.status == "failed"
    assert len(script.asked) == 2, "waiting began a new count"


THOUGHT = (say("I look.") + call("look", {"at": "it"})).but(thinking="Hmm.")
EXPIRED = Reply(
    status=400,
    raw=json.dumps(
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "Invalid `signature` in `thinking`"},
        }
    ).encode(),
)


async def test_a_reply_whose_signature_is_refused_goes_back_without_it(start: Start) -> None:
    def script(request: Request) -> Reply:
        if request.number == 1:
            return THOUGHT
        return EXPIRED if b"Hmm." in request.body else say("Here.")

    async with start(script, app("anthropic:b")) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        assert (await session.wait()).text == "Here."
        assert (await session.send("Again")).text == "Here."
        assert len(it.model.requests) == 4, "what was refused once is not sent again"


async def test_a_request_refused_for_something_else_is_not_sent_twice(start: Start) -> None:
    async with start([EXPIRED, say("Here.")], app("anthropic:b")) as it:
        await (await it.holdfast.client.start("helper", "Hi")).wait(raise_on_error=False)
        assert len(it.model.requests) == 1
