"""A call of a tool with ``approval="ask"`` waits for a person, runs as approved, and never otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast import Agent, App, Approvals, InboxItem, NothingToDo, NotPermitted, Session, ToolContext, tool
from holdfast.testing import call, say
from holdfast_workflows.contracts.control.audit import AuditRecord
from holdfast_workflows.contracts.errors import ToolArgumentsInvalid
from holdfast_workflows.contracts.session.entries import ResultEntry

from ...support import eventually
from ..conftest import Start
from ..limited import events, status

PAY = call("pay", {"order": "o-7", "cents": 100})


def paying(paid: list[Any], **policy: Any) -> App:
    """An agent whose payments need an approval, and are undone when their turn fails."""

    @tool
    async def refund(order: str, cents: int) -> str:
        """Pay back."""
        paid.append((order, -cents))
        return "paid back"

    @tool(effect="once", approval="ask", undo=refund)
    async def pay(order: str, cents: int, ctx: ToolContext) -> str:
        """Pay an order.

        Args:
            order: The order.
            cents: The amount.
        """
        paid.append((order, cents))
        return f"paid {cents}"

    @tool
    async def look() -> str:
        """Look."""
        return "seen"

    agent = Agent(
        "helper",
        model="openai:scripted",
        tools=[pay, look],
        approvals=Approvals(**policy) if policy else None,
    )
    return App(agents=[agent])


async def asked(session: Session) -> InboxItem:
    """The approval that the session waits for."""
    item = (await status(session, "needs_person")).inbox[0]
    assert item.kind == "approval"
    return item


async def results(session: Session) -> list[tuple[str, str]]:
    return [(each.status, each.text) async for each in session.log() if isinstance(each, ResultEntry)]


async def test_an_approved_call_runs_with_the_arguments_that_were_shown(start: Start) -> None:
    paid: list[Any] = []
    async with start([PAY, say("Done.")], paying(paid)) as it:
        session = await it.holdfast.client.start("helper", "Pay o-7.")
        item = await asked(session)
        assert item.arguments == '{"cents":100,"order":"o-7"}'
        assert paid == []
        with pytest.raises(NothingToDo):
            await session.approve(item.id, digest="that of other arguments")
        await session.approve(item.id, digest=item.digest)
        assert (await session.wait()).text == "Done."
        assert paid == [("o-7", 100)]
        assert await results(session) == [("ok", "paid 100")]
        assert (await session.view()).inbox == ()
        with pytest.raises(NothingToDo):
            await session.approve(item.id)


async def test_the_other_calls_of_a_step_do_not_wait(start: Start) -> None:
    async with start([PAY + call("look", {}), say("Done.")], paying([])) as it:
        session = await it.holdfast.client.start("helper", "Go")
        item = await asked(session)

        async def looked() -> bool:
            return any(each.name == "look" for each in await events(session, "call_ended"))

        await eventually(looked)
        await session.approve(item.id)
        assert (await session.wait()).text == "Done."


async def test_a_rejected_call_does_not_run_and_the_model_reads_why(start: Start) -> None:
    paid: list[Any] = []
    async with start([PAY, say("Then not.")], paying(paid)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await session.reject((await asked(session)).id, "it is too much", by="Ann")
        assert (await session.wait()).text == "Then not."
        assert await results(session) == [("denied", "Ann did not approve the call: it is too much")]
        assert "it is too much" in str(it.model.requests[-1].body)
        assert paid == []


async def test_edited_arguments_are_checked_used_and_told_to_the_model(start: Start) -> None:
    paid: list[Any] = []
    async with start([PAY, say("Done.")], paying(paid)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        item = await asked(session)
        with pytest.raises(ToolArgumentsInvalid):
            await session.approve(item.id, arguments={"order": "o-7", "cents": "many"})
        await session.approve(item.id, arguments={"order": "o-7", "cents": 60})
        assert (await session.wait()).text == "Done."
        assert paid == [("o-7", 60)]
        assert "a person changed its arguments" in str(it.model.requests[-1].body)


async def test_an_edited_call_is_undone_as_it_was_made(start: Start) -> None:
    paid: list[Any] = []

    async with start([PAY], paying(paid)) as it:
        session = await it.holdfast.client.start("helper", "Go", max_steps=1)
        await session.approve((await asked(session)).id, arguments={"order": "o-7", "cents": 60})
        assert (await session.wait(raise_on_error=False)).status == "failed"
        assert paid == [("o-7", 60), ("o-7", -60)]


async def test_a_cancelled_turn_closes_its_approvals(start: Start) -> None:
    paid: list[Any] = []
    async with start([PAY], paying(paid)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        item = await asked(session)
        assert (await session.cancel()).status == "cancelled"
        assert (await session.view()).inbox == ()
        with pytest.raises(NothingToDo):
            await session.approve(item.id)
        assert paid == []


async def test_without_an_answer_the_call_is_rejected(start: Start) -> None:
    paid: list[Any] = []
    async with start([PAY, say("Then not.")], paying(paid, deadline=600.0), time_skipping=True) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait()).text == "Then not."
        assert "no answer before the deadline" in (await results(session))[0][1]
        assert paid == []


async def test_an_approval_survives_a_continue_as_new_while_it_waits(start: Start) -> None:
    paid: list[Any] = []
    script = [PAY + call("look", {}), say("Done.")]
    async with start(script, paying(paid)) as it:
        session = await it.holdfast.client.start("helper", "Go", continue_as_new_after=60)
        first = await asked(session)
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        run = (await handle.describe()).run_id
        for _ in range(15):
            await session.steer("Go on.")

        async def continued() -> bool:
            return (await handle.describe()).run_id != run

        await eventually(continued)
        second = await asked(session)
        assert (second.deadline, second.approval) == (first.deadline, first.approval)
        await session.approve(second.id)
        assert (await session.wait()).text == "Done."
        assert paid == [("o-7", 100)]
        assert sorted(await results(session)) == [("ok", "paid 100"), ("ok", "seen")]


async def test_a_session_that_waits_for_approval_is_found_by_what_it_waits_for(start: Start) -> None:
    async with start([PAY, say("Done.")], paying([])) as it:
        session = await it.holdfast.client.start("helper", "Go")
        item = await asked(session)

        async def listed() -> bool:
            query = f"HoldfastWaiting = 'approval' AND WorkflowId = '{session.id}'"
            return bool([each async for each in it.holdfast.temporal.list_workflows(query)])

        await eventually(listed)
        await session.approve(item.id)
        await session.wait()

        async def gone() -> bool:
            return not await listed()

        await eventually(gone)


async def test_a_deploy_that_repins_does_not_change_what_was_asked(start: Start) -> None:
    paid: list[Any] = []
    async with start([PAY, say("Done."), say("Yes.")], paying(paid)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        item = await asked(session)
        await session.repin()
        assert await asked(session) == item
        await session.approve(item.id)
        assert (await session.wait()).text == "Done."
        assert (await session.send("And now?")).text == "Yes."
        assert paid == [("o-7", 100)]


async def test_a_delegated_approval_is_that_of_others(start: Start) -> None:
    async with start([PAY, say("Done.")], paying([])) as it:
        session = await it.holdfast.client.start("helper", "Go")
        view = await session.delegate((await asked(session)).id, ["ann", "bob"])
        assert view.inbox[0].owners == ("ann", "bob")
        assert [each.action for each in view.inbox[0].signed] == ["delegate"]
        await session.approve(view.inbox[0].id)  # the local operator stands for everybody
        assert (await session.wait()).text == "Done."


async def test_a_second_person_is_not_the_first(start: Start) -> None:
    paid: list[Any] = []
    async with start([PAY], paying(paid, second_person=True)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        with pytest.raises(NotPermitted):
            await session.approve((await asked(session)).id)
        await session.cancel()
        assert paid == []


async def test_two_approvals_are_those_of_two_people(start: Start) -> None:
    paid: list[Any] = []
    async with start([PAY, say("Then not.")], paying(paid, quorum=2)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        item = await asked(session)
        view = await session.approve(item.id)
        assert view.inbox[0].approved_by == ("local",)
        with pytest.raises(NothingToDo):
            await session.approve(item.id)
        view = await session.approve(item.id, arguments={"order": "o-7", "cents": 60})
        assert view.inbox[0].approved_by == ("local",)  # an edit is approved by everybody again
        await session.reject(item.id)
        assert (await session.wait()).text == "Then not."
        assert paid == []


async def test_each_step_of_an_approval_is_in_the_audit_log(start: Start) -> None:
    async with start([PAY, say("Done.")], paying([])) as it:
        session = await it.holdfast.client.start("helper", "Go")
        item = await asked(session)
        await session.approve(item.id, text="it is due")
        await session.wait()
        await session.close()
        await session.result()
        rows = [AuditRecord.model_validate_json(row.body) for row in await it.holdfast.state.audit.rows("")]
        found = [each for each in rows if each.kind == "approval"]
        assert [(each.action, each.principal) for each in found] == [("approve", "local")]
