"""Instructions that a function makes are the same for the whole turn, whatever happens during it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holdfast import Agent, App, InstructionsContext, InstructionsFailed, InvalidDeclaration, ToolError, tool
from holdfast.testing import Environment, Reply, ScriptedModel, call, failed, say
from holdfast_activities.context.untrusted.frames import RULE
from holdfast_temporal import DevServer
from holdfast_workflows.contracts.limits import MAX_INSTRUCTIONS

MODEL = "openai:scripted"


@tool
def step() -> str:
    """Take a step in an activity of its own."""
    return "ok"


class Counting:
    """An instructions function that returns another text at each call."""

    def __init__(self) -> None:
        self.contexts = list[InstructionsContext[str]]()

    async def __call__(self, ctx: InstructionsContext[str]) -> str:
        self.contexts.append(ctx)
        return f"Call {len(self.contexts)} for {ctx.user} of {ctx.tenant} with {ctx.deps}."


def app(instructions: Any, **options: Any) -> App:
    return App(agents=[Agent("guide", model=MODEL, instructions=instructions, tools=[step], **options)])


@asynccontextmanager
async def running(
    app: App, script: list[Reply], server: DevServer
) -> AsyncGenerator[tuple[Environment, ScriptedModel]]:
    async with (
        asyncio.timeout(90),
        ScriptedModel(script) as model,
        Environment.start(app, model, server=server.address, deps="fakes") as holdfast,
    ):
        yield holdfast, model


def instructions_of(model: ScriptedModel) -> list[str]:
    texts = [json.loads(request.body)["messages"][0]["content"] for request in model.requests]
    return [text.removesuffix(f"\n\n{RULE}") for text in texts]


async def test_a_function_is_called_once_a_turn_also_across_retries_and_runs(server: DevServer) -> None:
    counting = Counting()
    script = [call("step"), failed(503), call("step"), say("One."), say("Two.")]
    async with running(app(counting), script, server) as (holdfast, model):
        # The session continues as a new run in the middle of its first turn.
        session = await holdfast.client.start(
            "guide", "Go.", user="ann", tenant="acme", continue_as_new_after=20
        )
        await session.wait()
        await session.send("Again.")
        first, second = (f"Call {n} for ann of acme with fakes." for n in (1, 2))
        assert instructions_of(model) == [first] * 4 + [second]
        assert [ctx.turn for ctx in counting.contexts] == [1, 2]
        now = counting.contexts[0].now
        assert now.tzinfo is UTC
        assert abs(datetime.now(UTC) - now) < timedelta(minutes=2)
        assert (await session.prompt(1, turn=1)).instructions == first
        assert (await session.prompt(1, turn=2)).instructions == second


async def test_another_worker_uses_the_text_that_the_first_one_stored(server: DevServer) -> None:
    counting, begun, go = Counting(), asyncio.Event(), asyncio.Event()

    @tool
    async def gate() -> str:
        """Wait at the gate."""
        begun.set()
        await go.wait()
        return "open"

    gated = App(agents=[Agent("guide", model=MODEL, instructions=counting, tools=[gate])])
    async with (
        asyncio.timeout(90),
        ScriptedModel([call("gate"), say("Done.")]) as model,
        Environment.start(gated, model, server=server.address, worker=False) as holdfast,
    ):
        async with holdfast.worker():
            session = await holdfast.client.start("guide", "Go.")
            await begun.wait()
            await session.pause()
            go.set()
        async with holdfast.worker():
            await session.resume()
            assert (await session.wait()).text == "Done."
        assert len(counting.contexts) == 1
        assert len(instructions_of(model)) == 2
        assert len(set(instructions_of(model))) == 1


async def test_the_manifest_shows_instructions_that_are_a_text_too(server: DevServer) -> None:
    async with running(app("Be kind."), [say("Hi.")], server) as (holdfast, model):
        session = await holdfast.client.start("guide", "Go.")
        await session.wait()
        assert (await session.prompt(1)).instructions == "Be kind."
        assert [manifest.instructions async for manifest in session.prompts()] == [""]
        assert instructions_of(model) == ["Be kind."]


async def test_a_function_that_fails_for_a_moment_is_called_again(server: DevServer) -> None:
    calls = list[int]()

    def flaky(ctx: InstructionsContext) -> str:
        calls.append(ctx.turn)
        if len(calls) == 1:
            raise ConnectionError("not yet")
        return "Now."

    async with running(app(flaky), [say("Hi.")], server) as (holdfast, model):
        assert (await (await holdfast.client.start("guide", "Go.")).wait()).text == "Hi."
        assert instructions_of(model) == ["Now."]
    assert calls == [1, 1]


def _number(_: object) -> int:
    return 42


def _long(_: object) -> str:
    return "x" * (MAX_INSTRUCTIONS + 1)


def _nothing() -> str:
    return "x"


def _yielding(_: object) -> Iterator[str]:
    yield "x"


def _refusing(ctx: InstructionsContext) -> str:
    raise ToolError(f"no plan for {ctx.agent}")


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (_refusing, "no plan for guide"),
        (_number, "it returned int; return a str"),
        (_long, "200,001 bytes; at most 200,000"),
    ],
)
async def test_a_function_that_fails_for_good_fails_the_turn_with_its_reason(
    server: DevServer, function: Any, reason: str
) -> None:
    async with running(app(function), [say("Hi.")], server) as (holdfast, model):
        session = await holdfast.client.start("guide", "Go.")
        with pytest.raises(InstructionsFailed, match=reason):
            await session.wait()
        assert not model.requests


async def test_a_deploy_that_replaces_the_function_by_a_text_goes_on_with_the_text(server: DevServer) -> None:
    script = [say("One."), say("Two.")]
    async with (
        asyncio.timeout(90),
        ScriptedModel(script) as model,
        Environment.start(app(Counting()), model, server=server.address, worker=False) as holdfast,
    ):
        async with holdfast.worker():
            session = await holdfast.client.start("guide", "Go.")
            await session.wait()
        holdfast._registry = app("A text now.").registry()
        async with holdfast.worker():
            await session.send("Again.")
        assert instructions_of(model)[1] == "A text now."


def test_the_spec_does_not_depend_on_what_the_function_returns() -> None:
    one, two = (Agent("guide", model=MODEL, instructions=function) for function in (Counting(), _refusing))
    assert one.spec == two.spec
    assert one.spec.dynamic_instructions
    assert not Agent("guide", model=MODEL, instructions="x").spec.dynamic_instructions


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        (42, "give a text, or a function that takes an InstructionsContext"),
        (_nothing, "called with one argument, an InstructionsContext"),
        (_yielding, "yields; return the text"),
    ],
)
def test_instructions_of_another_kind_are_refused(given: Any, remedy: str) -> None:
    with pytest.raises(InvalidDeclaration, match=remedy):
        Agent("guide", model=MODEL, instructions=given)
