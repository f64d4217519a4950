"""What a turn did is taken back when it is cancelled or fails: in reverse, each call once."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import WorkflowFailureError

from holdfast import Agent, App, ToolContext, tool
from holdfast.testing import Reply, Request, call, failed, say
from holdfast_workflows.contracts.agent.spec import RetryPolicy
from holdfast_workflows.contracts.session.entries import UserEntry

from ...support import Gate
from ..conftest import Start
from ..limited import events


def booking(done: list[str], gate: Gate, **options: Any) -> App:
    """An agent that books, and whose bookings can be taken back."""

    @tool(retries=0)
    async def unbook(what: str, ctx: ToolContext) -> str:
        """Take a booking back.

        Args:
            what: What was booked.
        """
        done.append(f"unbook {what} {ctx.key.removeprefix(ctx.session)}")
        if what == "a yacht":
            raise ValueError("it has sailed")
        return f"{what}: free again"

    @tool(effect="idempotent", undo=unbook)
    async def book(what: str) -> str:
        """Book something.

        Args:
            what: What to book.
        """
        done.append(f"book {what}")
        return f"{what}: booked"

    @tool
    async def hold() -> str:
        """Wait at the gate."""
        gate.entered.set()
        await gate.opened.wait()
        return "passed"

    agent = Agent(
        "helper",
        model="openai:scripted",
        instructions="Help.",
        tools=[book, hold],
        model_retry=RetryPolicy(attempts=1),
        **options,
    )
    return App(agents=[agent])


BOTH = [call("book", {"what": "a room"}), call("book", {"what": "a car"})]


async def test_a_failed_turn_undoes_what_it_did_in_reverse(start: Start) -> None:
    done: list[str] = []
    async with start([*BOTH, failed(400, "No."), say("Fresh.")], booking(done, Gate())) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait(raise_on_error=False)).status == "failed"
        assert done == ["book a room", "book a car", "unbook a car -5-undo", "unbook a room -3-undo"]
        told = await events(session, "undone")
        assert [(event.seq, event.status, event.text) for event in told] == [
            (5, "ok", "a car: free again"),
            (3, "ok", "a room: free again"),
        ]
        rows = await it.holdfast.state.effects.list(session.id)
        assert [row.status for row in rows if row.tool == "book"] == ["undone", "undone"]
        # The next turn's model must not count on what is gone.
        assert (await session.send("Again")).text == "Fresh."
        notes = [e.text async for e in session.log() if isinstance(e, UserEntry) and e.role == "steer"]
        assert len(notes) == 2
        assert "a room" in notes[1]


async def test_a_cancelled_turn_undoes_what_it_did(start: Start) -> None:
    done: list[str] = []
    gate = Gate()
    async with start([*BOTH, call("hold")], booking(done, gate)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        assert (await session.cancel()).status == "cancelled"
        assert done[2:] == ["unbook a car -5-undo", "unbook a room -3-undo"]


async def test_a_turn_that_succeeds_undoes_nothing(start: Start) -> None:
    done: list[str] = []
    async with start([*BOTH, say("Booked.")], booking(done, Gate())) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait()).text == "Booked."
        await session.send("And?", wait=False)
        assert (await session.wait(raise_on_error=False)).status == "failed"  # the script is over
        assert done == ["book a room", "book a car"]


async def test_a_failed_undo_is_told_and_the_rest_goes_on(start: Start) -> None:
    done: list[str] = []
    script = [BOTH[0], call("book", {"what": "a yacht"}), failed(400, "No.")]
    async with start(script, booking(done, Gate())) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await session.wait(raise_on_error=False)
        assert [event.status for event in await events(session, "undone")] == ["failed", "ok"]
        assert done[-1] == "unbook a room -3-undo"
        told = [each.text async for each in session.log() if isinstance(each, UserEntry)]
        assert any("a yacht" in each and each.endswith("could not be undone.") for each in told)


async def test_a_cancelled_workflow_undoes_what_its_turn_did(start: Start) -> None:
    done: list[str] = []
    gate = Gate()
    async with start([*BOTH, call("hold")], booking(done, gate)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        assert done[2:] == ["unbook a car -5-undo", "unbook a room -3-undo"]


async def test_undoing_goes_over_roll_overs(start: Start) -> None:
    done: list[str] = []

    def script(request: Request) -> Reply:
        if request.results < 12:
            return call("book", {"what": f"seat {request.results}"})
        return failed(400, "No.")

    async with start(script, booking(done, Gate())) as it:
        session = await it.holdfast.client.start("helper", "Go", continue_as_new_after=25)
        assert (await session.wait(raise_on_error=False)).status == "failed"
        undone = [line.split(" -")[0] for line in done[12:]]
        assert undone == [f"unbook seat {n}" for n in reversed(range(12))]
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        assert (await handle.describe()).raw_description.workflow_execution_info.first_run_id != (
            await handle.describe()
        ).run_id
