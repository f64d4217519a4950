"""A model that goes round in circles is told, once; one that goes on ends its turn."""

from __future__ import annotations

import pytest

from holdfast import Agent, App, tool
from holdfast.testing import Reply, Request, call, say
from holdfast_workflows.contracts.errors import LoopDetected
from holdfast_workflows.contracts.session.entries import UserEntry

from ...support import Gate, eventually, make_app
from ..conftest import Start


def stuck(request: Request) -> Reply:
    return call("look", {"at": "it"})


def listening(request: Request) -> Reply:
    return say("I stop.") if b"You repeat yourself" in request.body else call("look", {"at": "it"})


async def test_a_model_that_listens_goes_on(start: Start) -> None:
    async with start(listening) as it:
        session = await it.holdfast.client.start("helper", "Go")
        reply = await session.wait(raise_on_error=False)
        assert (reply.status, reply.text, reply.steps) == ("done", "I stop.", 5)
        notes = [e.text async for e in session.log() if isinstance(e, UserEntry) and e.role == "repair"]
        assert len(notes) == 1
        assert "look" in notes[0]


async def test_a_model_that_does_not_is_stopped(start: Start) -> None:
    async with start(stuck) as it:
        session = await it.holdfast.client.start("helper", "Go")
        reply = await session.wait(raise_on_error=False)
        assert isinstance(reply.error, LoopDetected)
        assert "look" in str(reply.error)
        assert len(it.model.requests) == 5


async def test_a_circle_within_bursts_is_seen_step_by_step(start: Start) -> None:
    def script(request: Request) -> Reply:
        return call("peek", {"at": f"page {request.results % 2}"})

    async with start(script, make_app(max_inline_steps=8)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        reply = await session.wait(raise_on_error=False)
        assert isinstance(reply.error, LoopDetected)
        # It was told after its first burst, and the second one showed that it goes on.
        assert len(it.model.requests) == 16


async def test_a_call_that_keeps_failing_is_a_circle(start: Start) -> None:
    def script(request: Request) -> Reply:
        return say("I stop.") if b"You repeat yourself" in request.body else call("refuse", {})

    async with start(script) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait(raise_on_error=False)).steps == 4


@pytest.mark.parametrize("allow_repeats", [True, False])
async def test_a_tool_that_is_there_to_be_repeated_is_none(start: Start, allow_repeats: bool) -> None:
    @tool(allow_repeats=allow_repeats)
    async def poll() -> str:
        """Ask whether it is ready."""
        return "not yet"

    app = App(agents=[Agent("helper", model="openai:scripted", instructions="Help.", tools=[poll])])
    script = [call("poll", {}) for _ in range(12)] + [say("Ready.")]
    async with start(list(script), app) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait(raise_on_error=False)).status == ("done" if allow_repeats else "failed")


async def test_whoever_steers_may_mean_it_to_try_again(start: Start) -> None:
    gate = Gate()

    def script(request: Request) -> Reply:
        if request.results == 4:
            return call("hold", {"name": "it"})
        return say("Done.") if request.results == 8 else call("look", {"at": "it"})

    async with start(script, make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        await session.steer("Keep looking.")
        gate.opened.set()
        reply = await session.wait(raise_on_error=False)
        assert (reply.status, reply.text) == ("done", "Done.")


async def test_a_circle_is_seen_over_roll_overs(start: Start) -> None:
    async with start(stuck) as it:
        session = await it.holdfast.client.start("helper", "Go", continue_as_new_after=20)
        assert isinstance((await session.wait(raise_on_error=False)).error, LoopDetected)

        async def settled() -> bool:
            return (await session.view()).status == "idle"

        await eventually(settled)
        assert len(it.model.requests) == 5
