"""Turns: messages, steps, tool calls, and what happens when several come at once."""

import asyncio

import pytest

from holdfast import SessionBusy, SessionClosed, StepLimitReached, UnknownAgent
from holdfast.testing import Reply, Request, call, say
from holdfast_workflows.contracts.errors import ModelRefused
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry, UserEntry

from ...support import Gate, make_app
from ..conftest import Start


async def test_a_message_is_answered(start: Start) -> None:
    async with start([say("Hello!")]) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        reply = await session.wait(raise_on_error=False)
        assert (reply.text, reply.status, reply.steps) == ("Hello!", "done", 1)
        assert reply.usage.input_tokens > 0


async def test_a_tool_is_called_and_its_result_goes_back_to_the_model(start: Start) -> None:
    async with start([call("look", {"at": "the sea"}), say("I saw it.")]) as it:
        session = await it.holdfast.client.start("helper", "Look at the sea")
        assert (await session.wait()).text == "I saw it."
        entries = [entry async for entry in session.transcript()]
        assert [type(entry) for entry in entries] == [UserEntry, ReplyEntry, ResultEntry, ReplyEntry]
        assert entries[2].text == "the sea: seen"
        assert b"the sea: seen" in it.model.requests[-1].body


async def test_tools_called_together_run_at_the_same_time(start: Start) -> None:
    gate = Gate()
    both = call("hold", {"name": "a"}) + call("hold", {"name": "b"})
    async with start([both, say("Both passed.")], make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        view = await session.view()
        assert view.active == ("hold", "hold")
        gate.opened.set()
        assert (await session.wait()).text == "Both passed."
        assert sorted(gate.left) == ["a", "b"]


def by_last_message(request: Request) -> Reply:
    users = [m["content"] for m in request.messages if m["role"] == "user"]
    return say(f"re: {users[-1]}")


async def test_messages_sent_while_a_turn_runs_wait_in_order(start: Start) -> None:
    gate = Gate()

    def script(request: Request) -> Reply:
        return call("hold", {"name": "a"}) if request.number == 1 else by_last_message(request)

    async with start(script, make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "0")
        await gate.arrived()
        waiting = [await session.send(str(n), wait=False) for n in range(1, 6)]
        assert [reply.turn for reply in waiting] == [2, 3, 4, 5, 6]
        gate.opened.set()
        replies = await asyncio.gather(*(session.wait(reply.turn, raise_on_error=False) for reply in waiting))
        assert [reply.text for reply in replies] == [f"re: {n}" for n in range(1, 6)]


async def test_many_clients_lose_no_message_and_none_is_doubled(start: Start) -> None:
    async with start(by_last_message) as it:
        session = await it.holdfast.client.start("helper", "first")
        await session.wait(raise_on_error=False)

        async def client(name: int) -> list[int]:
            own = it.holdfast.client.session(session.id)
            return [(await own.send(f"{name}-{n}", wait=False)).turn for n in range(6)]

        turns = await asyncio.gather(*(client(name) for name in range(8)))
        assert sorted(turn for mine in turns for turn in mine) == list(range(2, 50))
        assert all(mine == sorted(mine) for mine in turns)
        await session.wait(49, raise_on_error=False)
        users = [entry.text async for entry in session.transcript() if isinstance(entry, UserEntry)]
        assert sorted(users[1:]) == sorted(f"{name}-{n}" for name in range(8) for n in range(6))


async def test_the_same_message_sent_twice_is_taken_once(start: Start) -> None:
    async with start(by_last_message) as it:
        session = await it.holdfast.client.start("helper", "first")
        one = await session.send("again", id="m-1")
        two = await session.send("again", id="m-1")
        assert one.turn == two.turn == 2


async def test_a_session_that_rejects_says_that_it_is_busy(start: Start) -> None:
    gate = Gate()
    async with start([call("hold", {"name": "a"}), say("Done.")], make_app(gate, when_busy="reject")) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        with pytest.raises(SessionBusy):
            await session.send("And this?")
        gate.opened.set()
        assert (await session.wait()).text == "Done."


async def test_a_message_that_interrupts_stops_the_turn_and_comes_next(start: Start) -> None:
    gate = Gate()

    def script(request: Request) -> Reply:
        return call("hold", {"name": "a"}) if request.number == 1 else by_last_message(request)

    async with start(script, make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        later = await session.send("later", wait=False)
        reply = await session.send("stop that", when_busy="interrupt")
        assert reply.text == "re: stop that"
        assert (await session.wait(1, raise_on_error=False)).status == "cancelled"
        assert (await session.wait(later.turn)).text == "re: later"
        assert gate.left == ["a"]


async def test_a_turn_ends_at_its_step_limit_and_the_session_goes_on(start: Start) -> None:
    def script(request: Request) -> Reply:
        return call("look", {"at": "it"}) if request.results < 3 else say("Enough.")

    async with start(script, make_app(max_steps=3)) as it:
        session = await it.holdfast.client.start("helper", "Look and look")
        reply = await session.wait(raise_on_error=False)
        assert isinstance(reply.error, StepLimitReached)
        assert (await session.send("And now?")).text == "Enough."


async def test_an_unknown_agent_is_refused_at_once_with_those_there_are(start: Start) -> None:
    async with start([]) as it:
        with pytest.raises(UnknownAgent, match="helper"):
            await it.holdfast.client.start("nobody", "Hi")


async def test_a_closed_session_takes_no_message_and_keeps_its_last_reply(start: Start) -> None:
    async with start([say("Bye.")]) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        await session.wait(raise_on_error=False)
        await session.close()
        assert (await session.result()).text == "Bye."
        with pytest.raises(SessionClosed):
            await session.send("Still there?")


async def test_a_task_ends_with_its_turn_and_a_failed_one_fails_the_workflow(start: Start) -> None:
    async with start([say("42"), say("I would rather not.", finish="refusal")]) as it:
        assert (await it.holdfast.client.run("helper", "What?")) == "42"
        with pytest.raises(ModelRefused, match="rather not"):
            await it.holdfast.client.run("helper", "What else?")


async def test_turns_and_the_snapshot_reach_the_state_database(start: Start) -> None:
    async with start([say("One."), say("Two.")]) as it:
        session = await it.holdfast.client.start("helper", "1", tenant="acme")
        await session.wait(raise_on_error=False)
        await session.send("2")
        await session.close()
        await session.result()
        turns = await it.holdfast.state.load_turns(session.id)
        assert [(turn.turn, turn.status, turn.reply) for turn in turns] == [
            (1, "done", "One."),
            (2, "done", "Two."),
        ]
        row = await it.holdfast.state.load_session(session.id)
        assert row is not None
        assert (row.status, row.turns, row.tenant, row.version) == ("closed", 2, "acme", 3)
