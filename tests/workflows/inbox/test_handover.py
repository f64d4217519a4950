"""A person takes a session over, replies instead of the agent, and gives it back."""

from __future__ import annotations

import pytest

from holdfast import Agent, App, Approvals, Budget, HandoverUnanswered, NothingToDo, Session
from holdfast.testing import Reply, Request, call, say
from holdfast_workflows.contracts.control.inbox import InboxItem
from holdfast_workflows.contracts.session.entries import ReplyEntry, UserEntry

from ...support import Gate, eventually, look, make_app
from ..conftest import Start
from ..limited import events, status


async def item_of(session: Session, kind: str = "handover") -> InboxItem:
    [item] = (await status(session, "needs_person")).inbox
    assert item.kind == kind
    return item


async def test_a_person_replies_and_gives_the_session_back(start: Start) -> None:
    seen: list[str] = []

    def model(request: Request) -> Reply:
        seen.append(str(request.messages))
        return say("It is the agent again.")

    async with start(model, make_app()) as it:
        session = await it.holdfast.client.start("helper")
        await session.hand_over("a refund of 900 €", by="ann")
        first = await session.send("Where is my refund?", wait=False)
        item = await item_of(session)
        assert (item.reason, item.owners) == ("a refund of 900 €", ("role:approver", "role:operator"))
        assert "Where is my refund?" in item.summary
        await session.answer(item.id, "confirm", text="I have sent it.", by="ann")
        assert (await session.wait(first.turn)).text == "I have sent it."
        assert not seen

        # It stays with the person until it is given back.
        second = await session.send("And the invoice?", wait=False)
        assert (await item_of(session)).turn == second.turn
        await session.give_back("The refund is done.", by="ann")
        assert (await session.wait(second.turn)).text == "It is the agent again."
        assert "The refund is done." in seen[0]
        assert "I have sent it." in seen[0]
        assert (await session.view()).handover is None
        ended = [(each.status, each.name) for each in await events(session, "handover")]
        assert ended == [("begun", "ann"), ("ended", "ann")]
        replies = [entry.model async for entry in session.log() if isinstance(entry, ReplyEntry)]
        assert replies[0] == "person"


async def test_a_running_turn_goes_to_the_person_after_its_step(start: Start) -> None:
    gate = Gate()
    async with start([call("hold", {"name": "x"})], make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        await session.hand_over("too difficult")
        gate.opened.set()
        item = await item_of(session)
        assert "hold: ok" in item.summary
        await session.answer(item.id, "confirm", text="Done by hand.")
        assert (await session.wait()).text == "Done by hand."


async def test_an_agent_hands_a_session_over_by_its_own_tool(start: Start) -> None:
    agent = Agent("helper", model="openai:scripted", handover=True)
    script = [call("hand_over", {"reason": "The user asks for a person."})]
    async with start(script, App(agents=[agent])) as it:
        session = await it.holdfast.client.start("helper", "A person, please")
        item = await item_of(session)
        assert item.reason == "The user asks for a person."
        await session.answer(item.id, "give_up")
        reply = await session.wait(raise_on_error=False)
        assert isinstance(reply.error, HandoverUnanswered)


async def test_an_agent_without_the_option_does_not_have_the_tool(start: Start) -> None:
    async with start([call("hand_over", {"reason": "x"}), say("No.")], make_app()) as it:
        session = await it.holdfast.client.start("helper", "A person, please")
        assert (await session.wait()).text == "No."
        assert (await session.view()).handover is None


async def test_the_end_of_an_unanswered_item_can_hand_the_session_over(start: Start) -> None:
    agent = Agent(
        "helper",
        model="openai:scripted",
        tools=[look],
        budget=Budget(steps=1, when_spent="ask"),
        approvals=Approvals(deadline=3_600, end="hand_over"),
    )
    async with start([call("look", {"at": "a"})], App(agents=[agent]), time_skipping=True) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await session.wait(raise_on_error=False)
        [begun, *_] = await events(session, "handover")
        assert begun.status == "begun"
        assert "no answer in time" in begun.text


async def test_a_handover_survives_a_continue_as_new(start: Start) -> None:
    async with start([], make_app()) as it:
        session = await it.holdfast.client.start("helper", continue_as_new_after=30)
        await session.hand_over("by hand", to="ann")
        await session.send("Hello", wait=False)
        first = await item_of(session)
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        run = (await handle.describe()).run_id
        for _ in range(10):
            await session.steer("Are you there?")

        async def continued() -> bool:
            return (await handle.describe()).run_id != run

        await eventually(continued)
        second = await item_of(session)
        assert (second.id, second.owners, second.deadline) == (first.id, ("ann",), first.deadline)


async def test_wrong_handovers_are_refused(start: Start) -> None:
    async with start([say("Hi.")], make_app()) as it:
        session = await it.holdfast.client.start("helper", "Hello")
        await session.wait()
        with pytest.raises(NothingToDo, match="not handed over"):
            await session.give_back()
        await session.hand_over()
        with pytest.raises(NothingToDo, match="already"):
            await session.hand_over()


async def test_a_cancel_ends_the_wait_for_the_person(start: Start) -> None:
    async with start([], make_app()) as it:
        session = await it.holdfast.client.start("helper")
        await session.hand_over()
        await session.send("Hello", wait=False)
        await item_of(session)
        reply = await session.cancel("not needed", timeout=30)
        assert reply.status == "cancelled"
        entries = [entry.kind async for entry in session.log() if isinstance(entry, UserEntry)]
        assert entries == ["user"]
