"""Roll-over: a session goes on in a new run, in the middle of a turn if need be, and loses nothing."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata

from holdfast.testing import Reply, Request, call, say
from holdfast_workflows.contracts.session.entries import ResultEntry, UserEntry

from ...support import eventually, make_app
from ..conftest import Running, Start


def looks(count: int) -> object:
    def script(request: Request) -> Reply:
        last = [m["content"] for m in request.messages if m["role"] == "user"][-1]
        since = 0
        for message in request.messages:
            since = 0 if message["role"] == "user" else since + (message["role"] == "tool")
        return call("look", {"at": str(since)}) if since < count else say(f"re: {last}")

    return script


async def test_a_turn_goes_on_over_many_runs(start: Start) -> None:
    async with start(looks(30)) as it:
        session = await it.holdfast.client.start("helper", "Look", continue_as_new_after=60)
        reply = await session.wait(raise_on_error=False)
        assert (reply.text, reply.steps) == ("re: Look", 31)
        first = it.holdfast.temporal.get_workflow_handle(session.id)
        described = await first.describe()
        chain = described.raw_description.workflow_execution_info.first_run_id
        assert chain != described.run_id
        results = [e.text async for e in session.log() if isinstance(e, ResultEntry)]
        assert results == [f"{n}: seen" for n in range(30)]


@pytest.mark.slow
async def test_a_thousand_steps_complete(start: Start) -> None:
    def script(request: Request) -> Reply:
        return call("peek", {"at": f"page {request.number}"}) if request.number <= 1_000 else say("Seen all.")

    async with start(script, make_app(max_steps=1_001, max_inline_steps=20)) as it:
        session = await it.holdfast.client.start("helper", "Look", continue_as_new_after=150)
        reply = await session.wait(raise_on_error=False)
        assert (reply.text, reply.steps) == ("Seen all.", 1_001)
        assert len(it.model.requests) == 1_001
        described = await it.holdfast.temporal.get_workflow_handle(session.id).describe()
        assert described.raw_description.workflow_execution_info.first_run_id != described.run_id


async def test_no_message_is_lost_or_doubled_while_the_session_rolls_over(start: Start) -> None:
    async with start(looks(1)) as it:
        session = await it.holdfast.client.start("helper", "start", continue_as_new_after=40)

        async def client(name: int) -> list[str]:
            own = it.holdfast.client.session(session.id)
            return [(await own.send(f"{name}-{n}")).text for n in range(5)]

        answers = await asyncio.gather(*(client(name) for name in range(4)))
        assert answers == [[f"re: {name}-{n}" for n in range(5)] for name in range(4)]
        users = [e.text async for e in session.log() if isinstance(e, UserEntry)]
        assert sorted(users) == sorted(["start", *(f"{name}-{n}" for name in range(4) for n in range(5))])


async def test_a_pause_holds_over_a_roll_over_and_what_was_accepted_waits(start: Start) -> None:
    async with start(looks(12)) as it:
        session = await it.holdfast.client.start("helper", "Look", continue_as_new_after=50)
        await session.send("And then?", wait=False)
        await session.pause()
        assert (await session.view()).status == "paused"
        await session.resume()
        assert (await session.wait(2)).text == "re: And then?"
        assert (await session.wait(1)).text == "re: Look"


async def test_the_history_grows_by_a_constant_number_of_bytes_per_step(start: Start) -> None:
    async def bytes_per_step(it: Running, steps: int) -> float:
        session = await it.holdfast.client.start("helper", f"{steps}")
        await session.wait(raise_on_error=False)
        described = await it.holdfast.temporal.get_workflow_handle(session.id).describe()
        return described.raw_description.workflow_execution_info.history_size_bytes

    def script(request: Request) -> Reply:
        wanted = int(request.conversation)
        return call("blow", {"size": 1000 + request.results}) if request.results < wanted else say("Done.")

    async with start(script, make_app(max_steps=100)) as it:
        small, middle, large = [await bytes_per_step(it, steps) for steps in (10, 40, 70)]
        early, late = (middle - small) / 30, (large - middle) / 30
        assert early <= 2_500
        assert abs(late - early) <= 0.05 * early


async def test_a_new_run_shows_its_details_before_anything_happens_in_it(start: Start) -> None:
    async with start([say("Hello.")]) as it:
        session = await it.holdfast.client.start("helper", "Hi!", continue_as_new_after=10)
        await session.wait(raise_on_error=False)
        handle = it.holdfast.temporal.get_workflow_handle(session.id)

        async def rolled() -> bool:
            found = await handle.describe()
            return found.raw_description.workflow_execution_info.first_run_id != found.run_id

        await eventually(rolled)
        details = (
            await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        ).current_details
        assert "**helper**" in details
        assert "Hello." in details
