"""Control of a running session: pause, resume, steer, cancel, close; each validated and answered."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import WorkflowFailureError

from holdfast import SessionClosed, TurnCancelled
from holdfast.testing import Reply, Request, call, hang, say
from holdfast_workflows.contracts.errors import NothingToDo
from holdfast_workflows.contracts.session.entries import ResultEntry, UserEntry

from ...support import Gate, after, eventually, make_app
from ..conftest import Running, Start


async def asked(it: Running, count: int) -> bool:
    return len(it.model.requests) >= count


async def test_nothing_new_starts_while_paused_and_resume_goes_on(start: Start) -> None:
    gate = Gate()
    async with start([call("hold", {"name": "a"}), say("Done.")], make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        assert (await session.pause()).status == "paused"
        gate.opened.set()

        async def tool_ended() -> bool:
            return any(event.kind == "call_ended" for event in (await session.view(0)).events)

        await eventually(tool_ended)
        view = await session.view()
        assert (view.status, view.active, len(it.model.requests)) == ("paused", (), 1)
        assert (await session.resume()).status == "running"
        assert (await session.wait()).text == "Done."


async def test_a_paused_session_calls_no_tool_that_the_model_has_asked_for(start: Start) -> None:
    go = asyncio.Event()
    async with start(after(go, call("look", {"at": "it"}), say("Done."))) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await eventually(lambda: asked(it, 1))
        await session.pause()
        go.set()

        async def replied() -> bool:
            return (await session.view()).step == 1

        await eventually(replied)
        assert (await session.view()).active == ()
        assert [entry async for entry in session.log() if isinstance(entry, ResultEntry)] == []
        await session.resume()
        assert (await session.wait()).text == "Done."


async def test_pause_and_steering_leave_a_running_tool_alone(start: Start) -> None:
    gate = Gate()
    async with start([call("hold", {"name": "a"}), say("Done.")], make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        await session.pause()
        await session.steer("and quickly")
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        pending = (await handle.describe()).raw_description.pending_activities
        assert [(p.activity_type.name, p.state) for p in pending] == [
            ("hold", 2)
        ]  # started, not asked to stop
        await session.resume()
        gate.opened.set()
        await session.wait(raise_on_error=False)
        results = [e.text async for e in session.log() if isinstance(e, ResultEntry)]
        assert results == ["a passed"]


async def test_steering_is_read_at_the_next_step(start: Start) -> None:
    gate = Gate()
    async with start([call("hold", {"name": "a"}), say("In French, then.")], make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        await session.steer("Answer in French")
        gate.opened.set()
        await session.wait(raise_on_error=False)
        assert it.model.requests[-1].body.count(b"Answer in French") == 1
        roles = [entry.role async for entry in session.log() if isinstance(entry, UserEntry)]
        assert roles == ["message", "steer"]


async def test_steering_that_comes_with_the_last_reply_is_not_lost(start: Start) -> None:
    go = asyncio.Event()
    async with start(after(go, say("Done."), say("And in French."))) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await eventually(lambda: asked(it, 1))
        await session.steer("And in French")
        go.set()
        assert (await session.wait()).text == "And in French."


async def test_cancel_waits_for_the_tool_and_the_conversation_stays_whole(start: Start) -> None:
    gate = Gate()

    def script(request: Request) -> Reply:
        return call("hold", {"name": "a"}) if request.number == 1 else say("Fresh.")

    async with start(script, make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        reply = await session.cancel("changed my mind")
        assert reply.status == "cancelled"
        assert isinstance(reply.error, TurnCancelled)
        # The tool took a while to put its things away, and nothing lands after "cancelled".
        assert gate.left == ["a"]
        assert (await session.send("Anew")).text == "Fresh."
        results = [e.status async for e in session.log() if isinstance(e, ResultEntry)]
        assert results == ["cancelled"]


async def test_cancel_does_not_wait_for_a_model_that_hangs(start: Start) -> None:
    async with start([hang(), say("Fresh.")]) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await eventually(lambda: asked(it, 1))
        async with asyncio.timeout(30):
            assert (await session.cancel()).status == "cancelled"
        assert (await session.send("Anew")).text == "Fresh."


async def test_a_cancelled_workflow_waits_for_its_tools_and_says_so(start: Start) -> None:
    gate = Gate()
    async with start([call("hold", {"name": "a"})], make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        assert gate.left == ["a"]
        row = await it.holdfast.state.load_session(session.id)
        assert row is not None
        assert row.status == "cancelled"


async def test_what_cannot_be_done_is_refused_with_a_reason(start: Start) -> None:
    async with start([say("Hello.")]) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        await session.wait(raise_on_error=False)
        for refused in (session.cancel(), session.steer("left"), session.resume()):
            with pytest.raises(NothingToDo):
                await refused
        await session.pause()
        with pytest.raises(NothingToDo, match="paused already"):
            await session.pause()
        await session.resume()
        await session.close()
        await session.result()
        with pytest.raises(SessionClosed):
            await session.pause()


async def test_a_session_that_closes_still_answers_what_it_has_accepted(start: Start) -> None:
    gate = Gate()

    def script(request: Request) -> Reply:
        return call("hold", {"name": "a"}) if request.number == 1 else say("Answered.")

    async with start(script, make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        await session.send("One more", wait=False)
        await session.close()
        with pytest.raises(SessionClosed):
            await session.send("Too late")
        gate.opened.set()
        assert (await session.result()).text == "Answered."


async def test_a_message_posted_as_a_signal_becomes_a_turn(start: Start) -> None:
    from holdfast_workflows.contracts.session.session import Message

    async with start([say("One."), say("Two.")]) as it:
        session = await it.holdfast.client.start("helper", "1")
        await session.wait(raise_on_error=False)
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        await handle.signal("post", Message(id="p", text="2"))

        async def taken() -> bool:
            return (await session.view()).turn == 2

        await eventually(taken)
        assert (await session.wait(2)).text == "Two."
