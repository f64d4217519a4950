"""Parks: what cannot be asked now is waited for on a durable timer, which people can cut short."""

from __future__ import annotations

import time

from holdfast.testing import call, say
from holdfast_client import Session
from holdfast_workflows.contracts.circuits import CircuitView
from holdfast_workflows.contracts.entries import ResultEntry

from .conftest import Running, Start
from .limited import events, status
from .support import eventually, make_app


async def opened(it: Running, name: str, seconds: float) -> None:
    """A breaker that somebody opened by hand."""
    view = CircuitView(name=name, state="open", until=time.time() + seconds, manual=True, reason="by hand")
    await it.holdfast.state.shared.circuits.set(view)


async def test_a_call_of_a_tool_that_is_down_waits_for_it(start: Start) -> None:
    async with start([call("look", {"at": "it"}), say("Done.")]) as it:
        await opened(it, "tool:look", 1.5)
        session = await it.holdfast.client.start("helper", "Go")
        view = await status(session, "parked")
        assert "circuit breaker" in view.parked
        assert "UTC" in view.parked
        assert (await session.wait()).text == "Done."
        assert [event.status for event in await events(session, "parked")] == ["circuit"]
        assert (await session.view()).parked == ""


async def test_a_cancelled_turn_does_not_wait_for_a_tool(start: Start) -> None:
    async with start([call("look", {"at": "it"})]) as it:
        await opened(it, "tool:look", 600)
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "parked")
        assert (await session.cancel()).status == "cancelled"
        results = [e async for e in session.log() if isinstance(e, ResultEntry)]
        assert [(e.status, e.text) for e in results] == [("cancelled", "not run: the turn was cancelled")]


async def test_the_model_is_told_of_a_tool_that_stays_down(start: Start) -> None:
    async with start([call("look", {"at": "it"}), say("Then not.")], make_app(patience=1.0)) as it:
        await opened(it, "tool:look", 600)
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait()).text == "Then not."
        results = [e async for e in session.log() if isinstance(e, ResultEntry)]
        assert [e.status for e in results] == ["failed"]
        assert results[0].text.startswith("not run: The circuit breaker is open")


async def test_a_paused_session_stays_where_it_is_when_the_tool_is_back(start: Start) -> None:
    async with start([call("look", {"at": "it"}), say("Done.")]) as it:
        await opened(it, "tool:look", 1.5)
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "parked")
        await session.pause()

        async def over() -> bool:
            return (await session.view()).parked == ""

        await eventually(over)
        assert await scheduled(it, session) == 1
        await session.resume()
        assert (await session.wait()).text == "Done."


async def scheduled(it: Running, session: Session) -> int:
    """How often the tool has been scheduled."""
    history = it.holdfast.temporal.get_workflow_handle(session.id).fetch_history_events()
    types = [event.activity_task_scheduled_event_attributes.activity_type.name async for event in history]
    return types.count("look")
