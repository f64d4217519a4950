"""A provider that refuses the key is spared by its breaker, and a session tells which model answers and why."""

from __future__ import annotations

import asyncio

import pytest

from holdfast.testing import Reply, Request, failed, overloaded, say, unauthorized
from holdfast_activities.state.coordination.breaker import BreakerRule
from holdfast_client.stream.events import ModelChanged
from holdfast_workflows.contracts.errors import ModelRejected, ProviderQuota

from ..conftest import Start
from ..limited import events
from .test_providers import Script, app

FIVE = BreakerRule().failures
REFUSED = [
    unauthorized(),
    failed(400, "API key not valid. Please pass a valid API key."),
    failed(429, "You exceeded your current quota", code="insufficient_quota"),
]


@pytest.mark.parametrize("refusal", REFUSED, ids=lambda refusal: str(refusal.status))
async def test_a_key_that_is_refused_opens_the_breaker_and_is_asked_no_more(
    start: Start, refusal: Reply
) -> None:
    script = Script(refusal, say("Here."))
    async with start(script, app("openai:a", "anthropic:b")) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        for _ in range(FIVE + 2):
            assert (await session.send("Again")).text == "Here."
        (changed,) = await events(session, "model_changed")
        assert (changed.name, changed.turn, changed.step) == ("anthropic:b", 1, 1)
        assert "openai:a" in changed.text
        assert refusal.message in changed.text
        assert (await session.view()).model == "anthropic:b"
    assert script.asked.count("openai") == FIVE
    assert script.asked.count("anthropic") == FIVE + 3


async def test_a_request_that_is_refused_says_nothing_of_the_next_one(start: Start) -> None:
    script = Script(failed(404, "The model `a` does not exist"), say("Here."))
    async with start(script, app("openai:a", "anthropic:b")) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        for _ in range(FIVE + 1):
            await session.send("Again")
    assert script.asked.count("openai") == FIVE + 2


@pytest.mark.parametrize(
    ("refusal", "error"),
    [(unauthorized(), ModelRejected), (failed(402, "Insufficient Balance"), ProviderQuota)],
)
async def test_without_another_model_a_refused_key_fails_the_turn_at_once_and_is_asked_no_more(
    start: Start, refusal: Reply, error: type[ModelRejected]
) -> None:
    script = Script(refusal, say("Never asked."))
    async with start(script, app("openai:a")) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        await session.wait(raise_on_error=False)
        for _ in range(FIVE - 1):
            with pytest.raises(error):
                await session.send("Again")
        with pytest.raises(error) as caught:
            async with asyncio.timeout(20):
                await session.send("Again")
    assert refusal.message in caught.value.detail
    assert "open until" in caught.value.detail
    assert script.asked == ["openai"] * FIVE


async def test_a_stream_tells_which_model_answers_and_when_the_first_one_does_again(start: Start) -> None:
    def script(request: Request) -> Reply:
        if request.wire == "anthropic":
            return say("From b.")
        return overloaded() if request.conversation == "Hi" and request.number < 4 else say("From a.")

    async with start(script, app("openai:a", "anthropic:b")) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        await session.wait(raise_on_error=False)
        told = [event async for event in session.stream()]
        (changed,) = [event for event in told if isinstance(event, ModelChanged)]
        assert (changed.model, changed.turn, changed.step) == ("anthropic:b", 1, 1)
        assert "model_transient" in changed.reason
        assert "Overloaded" in changed.reason
        # It is told before the text of the step that it answered.
        assert [event.kind for event in told].index("model_changed") < [e.kind for e in told].index(
            "step_ended"
        )
        assert (await session.send("Again")).text == "From b."
        assert (await session.send("Again")).text == "From a."
        names = [event.name for event in await events(session, "model_changed")]
        assert names == ["anthropic:b", "openai:a"]
        assert (await session.view()).model == "openai:a"


async def test_which_model_answers_is_known_after_a_roll_over(start: Start) -> None:
    script = Script(unauthorized(), say("Here."))
    async with start(script, app("openai:a", "anthropic:b")) as it:
        session = await it.holdfast.client.start("helper", "Hi", continue_as_new_after=10)
        for _ in range(4):
            await session.send("Again")
        assert len(await events(session, "model_changed")) == 1
        assert (await session.view()).model == "anthropic:b"
