"""Control that meets the edges: a roll-over under way, a turn that begins, a session that closes or starts."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError

from holdfast import QueueFull
from holdfast.testing import Reply, Request, call, failed, hang, say
from holdfast_client import Session
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.names import WORKFLOW
from holdfast_workflows.contracts.session.entries import UserEntry
from holdfast_workflows.contracts.session.session import Message, StartInput

from ...support import NUL_AND_SURROGATE, Gate, eventually, make_app
from ..conftest import Running, Start

EVENTS = 60


@contextmanager
def locked(database: Path) -> Generator[None]:
    """Hold the state database, so that what is to be written waits."""
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


async def roll_over_held(it: Running, session: Session) -> None:
    """With the database locked: a first turn that cannot be written, a second that waits, a roll-over that is due."""
    await eventually(lambda: asked(it, 1))
    await session.pause()
    await session.cancel()
    await session.send("Two", wait=False)

    async def due() -> bool:
        await session.steer("and this")
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        return (await handle.describe()).history_length > EVENTS + 10

    await eventually(due)


async def asked(it: Running, count: int) -> bool:
    return len(it.model.requests) >= count


def by_last_message(request: Request) -> Reply:
    users = [m["content"] for m in request.messages if m["role"] == "user"]
    return say(f"re: {users[-1]}")


def hang_first(request: Request) -> Reply:
    return hang() if request.number == 1 else by_last_message(request)


async def test_a_turn_cancelled_while_the_session_rolls_over_is_cancelled(
    start: Start, tmp_path: Path
) -> None:
    database = tmp_path / "state.db"
    async with start(hang_first, state_url=f"sqlite:///{database}") as it:
        session = await it.holdfast.client.start("helper", "One", continue_as_new_after=EVENTS)
        await eventually(lambda: asked(it, 1))
        with locked(database):
            await roll_over_held(it, session)
            handle: Any = it.holdfast.temporal.get_workflow_handle(
                session.id
            )  # its overloads are partly untyped
            await handle.execute_update("cancel_turn", "enough")
        await session.resume()
        reply = await session.wait(2, raise_on_error=False)
        assert reply.status == "cancelled"
        assert (await session.send("Three")).text == "re: Three"


async def test_a_message_interrupts_while_the_session_rolls_over(start: Start, tmp_path: Path) -> None:
    database = tmp_path / "state.db"
    async with start(hang_first, state_url=f"sqlite:///{database}") as it:
        session = await it.holdfast.client.start("helper", "One", continue_as_new_after=EVENTS)
        await eventually(lambda: asked(it, 1))
        with locked(database):
            await roll_over_held(it, session)
            await session.send("Later", wait=False)
            await session.send("Now", wait=False, when_busy="interrupt")
        await session.resume()
        assert (await session.wait(2, raise_on_error=False)).status == "cancelled"
        assert (await session.wait(4)).text == "re: Now"
        assert (await session.wait(3)).text == "re: Later"


async def test_a_workflow_cancelled_while_it_rolls_over_ends_its_turn(start: Start, tmp_path: Path) -> None:
    database = tmp_path / "state.db"
    async with start(hang_first, state_url=f"sqlite:///{database}") as it:
        session = await it.holdfast.client.start("helper", "One", continue_as_new_after=EVENTS)
        await eventually(lambda: asked(it, 1))
        with locked(database):
            await roll_over_held(it, session)
            handle = it.holdfast.temporal.get_workflow_handle(session.id)
            await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        turns = await it.holdfast.state.load_turns(session.id)
        assert [(turn.turn, turn.status) for turn in turns] == [(1, "cancelled"), (2, "cancelled")]


async def test_a_paused_session_that_closes_can_go_on_and_end(start: Start) -> None:
    async with start(by_last_message) as it:
        session = await it.holdfast.client.start("helper", "One")
        await session.wait(raise_on_error=False)
        await session.pause()
        await session.send("Two", wait=False)
        await session.close()
        await session.resume()
        assert (await session.result()).text == "re: Two"


async def test_a_workflow_cancelled_before_its_agent_is_loaded_is_cancelled(start: Start) -> None:
    async with start([], worker=False) as it:
        handle = await it.holdfast.temporal.start_workflow(
            WORKFLOW,
            StartInput(agent="helper", message=Message(id="first", text="Hi")),
            id=f"raw-{it.holdfast.task_queue}",
            task_queue=it.holdfast.task_queue,
        )
        await handle.cancel()
        async with it.holdfast.worker():
            with pytest.raises(WorkflowFailureError):
                await handle.result()
            assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED


async def test_strange_text_in_the_queue_goes_over_a_roll_over(start: Start) -> None:
    gate = Gate()

    def script(request: Request) -> Reply:
        return call("hold", {"name": f"a{request.results}"}) if request.results < 8 else say("Done.")

    async with start(script, make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go", continue_as_new_after=40)
        await gate.arrived()
        await session.send(NUL_AND_SURROGATE, wait=False)
        gate.opened.set()
        assert (await session.wait(2)).status == "done"
        users = await it.holdfast.state.log.read(session.id, 1)
        assert [e.text for e in users if isinstance(e, UserEntry)] == ["Go", NUL_AND_SURROGATE]


async def test_a_full_queue_of_the_largest_messages_goes_over_a_roll_over(start: Start) -> None:
    gate = Gate()

    def script(request: Request) -> Reply:
        return call("hold", {"name": "a"}) if request.results < 3 and request.number < 4 else say("Done.")

    async with start(script, make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go", continue_as_new_after=40)
        await gate.arrived()
        for _ in range(29):
            await session.send("\x01" * INLINE_TEXT, wait=False)
        with pytest.raises(QueueFull):
            await session.send("One more", wait=False)
        gate.opened.set()
        assert (await session.wait(1)).text == "Done."
        assert (await session.wait(2)).text == "Done."


@pytest.mark.slow
async def test_turns_that_fail_before_their_message_is_written_do_not_pile_up(start: Start) -> None:
    def script(request: Request) -> Reply:
        return failed(400, "No such field.") if request.number <= 100 else say("Here again.")

    async with start(script) as it:
        session = await it.holdfast.client.start("helper", "0")
        for number in range(1, 101):
            await session.send(f"{number} " + "\x01" * 4_000, wait=False)
            if number % 20 == 0:  # as many as may wait at once
                await session.wait(number, raise_on_error=False)
        assert (await session.wait(101)).text == "Here again."
        users = [e async for e in session.log() if isinstance(e, UserEntry)]
        assert [e.turn for e in users] == list(range(1, 102))


async def test_the_message_of_a_turn_that_failed_is_in_the_log_of_a_closed_session(start: Start) -> None:
    async with start([failed(400, "No such field.")]) as it:
        session = await it.holdfast.client.start("helper", "Are you there?")
        assert (await session.wait(raise_on_error=False)).status == "failed"
        await session.close()
        await eventually(lambda: over(it, session))
        assert [e.text async for e in session.log()] == ["Are you there?"]


async def over(it: Running, session: Session) -> bool:
    description = await it.holdfast.temporal.get_workflow_handle(session.id).describe()
    return description.status == WorkflowExecutionStatus.COMPLETED


async def test_a_message_whose_text_is_lost_fails_its_turn_and_no_other(start: Start) -> None:
    async with start(by_last_message) as it:
        session = await it.holdfast.client.start("helper", "One")
        await session.wait(raise_on_error=False)
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        await handle.signal("post", Message(id="lost", text="Nowhere…", ref="nowhere"))
        await eventually(lambda: begun(session, 2))
        assert (await session.wait(2, raise_on_error=False)).status == "failed"
        assert (await session.send("Three")).text == "re: Three"


async def begun(session: Session, turn: int) -> bool:
    return (await session.view()).turn == turn
