"""Replies that are kept for the last resort: whose they are, how long they count, and what may be in them."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from holdfast import Agent, App, CachedReply
from holdfast.testing import Reply, Request, overloaded, say
from holdfast_workflows.contracts.agent.spec import RetryPolicy

from ...support import NUL_AND_SURROGATE, look
from ..conftest import Start


class Figure(BaseModel):
    """What a run may want its reply to be."""

    figure: int


def app(*models: str, max_age: float = 60.0) -> App:
    agent = Agent(
        "helper",
        model=list(models),
        tools=[look],
        model_retry=RetryPolicy(attempts=1),
        fallbacks=[CachedReply(max_age=max_age)],
    )
    return App(agents=[agent])


async def test_a_kept_reply_that_is_too_old_is_not_given(start: Start) -> None:
    async with start([say("Old news."), overloaded()], app("openai:a", max_age=0.001)) as it:
        assert await it.holdfast.client.run("helper", "What is new?") == "Old news."
        reply = await (await it.holdfast.client.start("helper", "What is new?")).wait(raise_on_error=False)
    assert reply.status == "failed"


@pytest.mark.parametrize(("tenant", "status"), [("acme", "done"), ("other", "failed"), ("", "failed")])
async def test_a_reply_is_kept_for_its_own_tenant_only(start: Start, tenant: str, status: str) -> None:
    async with start([say("Of acme."), overloaded()], app("openai:a")) as it:
        client = it.holdfast.client
        assert await client.run("helper", "What is new?", tenant="acme") == "Of acme."
        reply = await (await client.start("helper", "What is new?", tenant=tenant)).wait(raise_on_error=False)
    assert reply.status == status


@pytest.mark.parametrize("text", [NUL_AND_SURROGATE, "\ud800"])
async def test_a_reply_is_kept_whatever_it_holds(start: Start, text: str) -> None:
    async with start([say(text), overloaded()], app("openai:a")) as it:
        first = await it.holdfast.client.run("helper", "Babble.")
        second = await it.holdfast.client.run("helper", "Babble.")
        assert len(it.model.requests) == 2
    assert first == second


async def test_a_reply_kept_for_another_shape_is_not_given(start: Start) -> None:
    async with start([say('{"figure": 42}'), overloaded()], app("openai:a")) as it:
        await it.holdfast.client.run("helper", "What is it?", output_type=Figure)
        reply = await (await it.holdfast.client.start("helper", "What is it?")).wait(raise_on_error=False)
    assert reply.status == "failed"


async def test_a_reply_of_the_next_provider_is_found_too(start: Start) -> None:
    def script(request: Request) -> Reply:
        return say("Here.") if request.number == 2 else overloaded()

    async with start(script, app("openai:a", "anthropic:b")) as it:
        assert await it.holdfast.client.run("helper", "Where?") == "Here."
        assert await it.holdfast.client.run("helper", "Where?") == "Here."
