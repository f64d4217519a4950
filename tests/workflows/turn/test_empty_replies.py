"""A reply with neither text nor call is asked for again; it never counts as an answer."""

from __future__ import annotations

from collections.abc import Callable

from holdfast import Agent, App, RetryPolicy
from holdfast.testing import Reply, Request, call, failed, say
from holdfast_workflows.contracts.agent.budget import Budget
from holdfast_workflows.contracts.errors import EmptyReply

from ...support import look, peek
from ..conftest import Start

SILENCE = say("", input_tokens=100, output_tokens=10)


def app(*models: str, attempts: int = 1, budget: Budget | None = None) -> App:
    retry = RetryPolicy(attempts=attempts, first_delay=0.05, max_delay=0.1)
    agent = Agent(
        "helper", model=list(models or ("openai:a",)), tools=[look, peek], model_retry=retry, budget=budget
    )
    return App(agents=[agent])


def noting(heard: list[Request], *replies: Reply) -> Callable[[Request], Reply]:
    """A model that gives these replies, and what it was asked."""

    def script(request: Request) -> Reply:
        heard.append(request)
        return replies[request.number - 1]

    return script


def last_message(request: Request) -> dict[str, str]:
    message: dict[str, str] = request.json["messages"][-1]
    return message


async def test_an_empty_reply_is_asked_for_again_with_the_same_prompt(start: Start) -> None:
    heard: list[Request] = []
    async with start(noting(heard, SILENCE, say("Here.")), app()) as it:
        reply = await (await it.holdfast.client.start("helper", "Hi")).wait(raise_on_error=False)
    first, second = heard
    assert (reply.status, reply.text, reply.steps) == ("done", "Here.", 1)
    assert first.json["messages"] == second.json["messages"]
    # What the first one used counts, too.
    assert reply.usage.input_tokens == 100 + len(second.body) // 4


async def test_after_a_tools_result_the_model_is_told_that_it_has_said_nothing(start: Start) -> None:
    heard: list[Request] = []
    script = noting(heard, call("look", {"at": "a"}), SILENCE, say("It is seen."), say("Bye."))
    async with start(script, app()) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        reply = await session.wait(raise_on_error=False)
        assert (reply.status, reply.text) == ("done", "It is seen.")
        await session.send("Thanks.")
    assert last_message(heard[1])["role"] == "tool"
    assert "said nothing" in last_message(heard[2])["content"]
    # The words were for that request only.
    assert "said nothing" not in heard[3].body.decode()


async def test_a_provider_that_takes_no_message_after_a_result_does_not_hide_the_empty_reply(
    start: Start,
) -> None:
    def script(request: Request) -> Reply:
        if request.number == 1:
            return call("look", {"at": "a"})
        return failed(400, "no user message after a tool") if request.number == 3 else SILENCE

    async with start(script, app()) as it:
        reply = await (await it.holdfast.client.start("helper", "Hi")).wait(raise_on_error=False)
    assert isinstance(reply.error, EmptyReply)


async def test_a_model_that_stays_silent_fails_the_turn(start: Start) -> None:
    async with start([SILENCE] * 4, app(attempts=2)) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        reply = await session.wait(raise_on_error=False)
        assert isinstance(reply.error, EmptyReply)
        assert len(it.model.requests) == 4
        # The session is as good as before.
        assert (await session.view()).status == "idle"


async def test_the_next_model_answers_where_the_first_stays_silent(start: Start) -> None:
    def script(request: Request) -> Reply:
        return SILENCE if request.json["model"] == "a" else say("Here.")

    async with start(script, app("openai:a", "openai:b")) as it:
        assert (await (await it.holdfast.client.start("helper", "Hi")).wait()).text == "Here."


async def test_a_last_reply_of_calls_only_says_that_there_is_no_answer(start: Start) -> None:
    def script(request: Request) -> Reply:
        return call("look", {"at": str(request.number)})

    async with start(script, app(budget=Budget(steps=2))) as it:
        reply = await (await it.holdfast.client.start("helper", "Go")).wait(raise_on_error=False)
    assert reply.status == "done"
    assert "no answer" in reply.text


async def test_a_last_reply_that_reached_its_length_without_text_is_an_error(start: Start) -> None:
    def script(request: Request) -> Reply:
        return call("look", {"at": "a"}) if request.number == 1 else say("", finish="length")

    async with start(script, app(budget=Budget(steps=2))) as it:
        reply = await (await it.holdfast.client.start("helper", "Go")).wait(raise_on_error=False)
    assert isinstance(reply.error, EmptyReply)
