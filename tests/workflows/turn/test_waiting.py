"""Parks: what cannot be asked now is waited for on a durable timer, which people can cut short."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress

import pytest

from holdfast.testing import call, say
from holdfast_activities.resilience import breakers
from holdfast_client import Session
from holdfast_workflows.contracts.agent.fallbacks import ErrorReply
from holdfast_workflows.contracts.errors import BreakerOpen, NothingToDo
from holdfast_workflows.contracts.operations.breakers import BreakerView
from holdfast_workflows.contracts.session.entries import ResultEntry, UserEntry

from ...support import eventually, make_app
from ..conftest import Running, Start
from ..limited import events, logged, status
from ..test_story import details

SOON = 5.0
"""Seconds until a breaker lets through; a run has to find it open before."""


async def opened(it: Running, name: str, seconds: float) -> None:
    """A breaker that somebody opened by hand."""
    view = BreakerView(name=name, state="open", until=time.time() + seconds, manual=True, reason="by hand")
    await it.holdfast.state.breakers.set(view)


async def test_a_call_of_a_tool_that_is_down_waits_for_it(start: Start) -> None:
    async with start([call("look", {"at": "it"}), say("Done.")]) as it:
        await opened(it, "tool:look", SOON)
        session = await it.holdfast.client.start("helper", "Go")
        view = await status(session, "waiting")
        assert "circuit breaker" in view.waiting_for
        assert "UTC" in view.waiting_for
        assert (await session.wait()).text == "Done."
        assert [event.status for event in await events(session, "waiting")] == ["breaker"]
        assert (await session.view()).waiting_for == ""


async def test_a_cancelled_turn_does_not_wait_for_a_tool(start: Start) -> None:
    async with start([call("look", {"at": "it"})]) as it:
        await opened(it, "tool:look", 600)
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "waiting")
        assert (await session.cancel()).status == "cancelled"
        results = [e for e in await logged(session, 3) if isinstance(e, ResultEntry)]
        assert [(e.status, e.text) for e in results] == [("cancelled", "not run: the turn was cancelled")]


async def test_the_model_is_told_of_a_tool_that_stays_down(start: Start) -> None:
    async with start([call("look", {"at": "it"}), say("Then not.")], make_app(max_wait=1.0)) as it:
        await opened(it, "tool:look", 600)
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait()).text == "Then not."
        results = [e async for e in session.log() if isinstance(e, ResultEntry)]
        assert [e.status for e in results] == ["failed"]
        assert results[0].text.startswith("not run: The circuit breaker is open")


@pytest.mark.slow
async def test_a_paused_session_stays_where_it_is_when_the_tool_is_back(start: Start) -> None:
    async with start([call("look", {"at": "it"}), say("Done.")]) as it:
        await opened(it, "tool:look", SOON)
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "waiting")
        await session.pause()

        async def over() -> bool:
            return (await session.view()).waiting_for == ""

        await eventually(over)
        assert await scheduled(it, session) == 1
        await session.resume()
        assert (await session.wait()).text == "Done."


async def scheduled(it: Running, session: Session) -> int:
    """How often the tool has been scheduled."""
    history = it.holdfast.temporal.get_workflow_handle(session.id).fetch_history_events()
    types = [event.activity_task_scheduled_event_attributes.activity_type.name async for event in history]
    return types.count("look")


async def test_a_turn_waits_for_its_provider_and_goes_on_when_it_is_back(start: Start) -> None:
    async with start([say("Here.")]) as it:
        await opened(it, "provider:openai", SOON)
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "waiting")
        assert len(it.model.requests) == 0
        assert (await session.wait()).text == "Here."
        assert [event.status for event in await events(session, "waiting")] == ["breaker"]


async def test_steering_pause_and_cancel_take_hold_of_a_turn_that_waits(start: Start) -> None:
    async with start([say("Never.")]) as it:
        await opened(it, "provider:openai", 600)
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "waiting")
        await session.steer("quickly")

        async def is_waiting_again() -> bool:
            return len(await events(session, "waiting")) == 2

        await eventually(is_waiting_again)
        assert (await session.pause()).status == "paused"

        async def still() -> bool:
            return (await session.view()).waiting_for == ""

        await eventually(still)
        await session.resume()
        await status(session, "waiting")
        assert (await session.cancel()).status == "cancelled"
        # What was said is in the log, though no model has read it.
        entries = [e.text for e in await logged(session, 2) if isinstance(e, UserEntry)]
        assert entries == ["Go", "quickly"]


async def test_a_turn_whose_patience_is_used_up_fails_with_what_it_waited_for(start: Start) -> None:
    async with start([say("Never.")], make_app(max_wait=1.0)) as it:
        await opened(it, "provider:openai", 600)
        session = await it.holdfast.client.start("helper", "Go")
        reply = await session.wait(raise_on_error=False)
        assert isinstance(reply.error, BreakerOpen)
        view = (await session.view()).last
        assert view is not None
        assert view.error is not None
        assert view.error.retryable
        assert (view.error.retry_after or 0) > 100


async def test_an_agent_with_last_resorts_does_not_wait(start: Start) -> None:
    app = make_app(fallbacks=[ErrorReply(text="{retry}")])
    async with start([say("Never.")], app) as it:
        await opened(it, "provider:openai", 600)
        session = await it.holdfast.client.start("helper", "Go")
        await session.wait(raise_on_error=False)
        view = (await session.view()).last
        assert view is not None
        assert view.reply.startswith("Please try again in ")
        assert await events(session, "waiting") == []


@pytest.mark.slow
async def test_a_turn_that_waits_rolls_over_and_waits_on(start: Start) -> None:
    async with start([say("Here.")], make_app(max_wait=8.0)) as it:
        await opened(it, "provider:openai", 600)
        session = await it.holdfast.client.start("helper", "Go", continue_as_new_after=12)
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        await status(session, "waiting")
        before = (await handle.describe()).run_id
        for _ in range(10):
            if (await handle.describe()).run_id != before:
                break
            with suppress(NothingToDo):
                await session.steer("hurry")
        assert (await handle.describe()).run_id != before
        # What was waited counts in the new run, too.
        assert isinstance((await session.wait(raise_on_error=False)).error, BreakerOpen)


def wake_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakers, "_NAP", (0.3, 0.4))


async def closed(it: Running, name: str) -> None:
    """The breaker that is closed by hand."""
    await it.holdfast.state.breakers.set(BreakerView(name=name, state="closed"))


async def test_a_run_goes_on_soon_after_a_provider_is_let_through_by_hand(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    wake_soon(monkeypatch)
    async with start([say("Done.")]) as it:
        await opened(it, "provider:openai", 600)
        session = await it.holdfast.client.start("helper", "Go")
        view = await status(session, "waiting")
        assert "open until" in view.waiting_for
        await closed(it, "provider:openai")
        async with asyncio.timeout(60):
            assert (await session.wait()).text == "Done."
        assert len(await events(session, "waiting")) == 1, "each nap is not told anew"


async def test_a_call_goes_on_soon_after_its_tool_is_let_through_by_hand(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    wake_soon(monkeypatch)
    async with start([call("look", {"at": "it"}), say("Done.")]) as it:
        await opened(it, "tool:look", 600)
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "waiting")
        await closed(it, "tool:look")
        async with asyncio.timeout(60):
            assert (await session.wait()).text == "Done."


async def test_an_error_says_when_the_breaker_lets_through_not_when_a_nap_would_end(start: Start) -> None:
    app = make_app(fallbacks=[ErrorReply(text="{retry}")])
    async with start([say("Done.")], app) as it:
        await opened(it, "provider:openai", 600)
        reply = await (await it.holdfast.client.start("helper", "Go")).wait(raise_on_error=False)
        assert reply.error is not None
        assert reply.error.retry_after is not None
        assert reply.error.retry_after > 500


async def test_the_timer_of_a_waiting_run_says_in_a_line_why(start: Start) -> None:
    async with start([say("Done.")]) as it:
        await opened(it, "provider:openai", 600)
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "waiting")
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        started = [
            event
            async for event in handle.fetch_history_events()
            if event.HasField("timer_started_event_attributes")
        ]
        summary = it.holdfast.temporal.data_converter.payload_converter.from_payload(
            started[-1].user_metadata.summary, str
        )
        assert summary.startswith("waiting: openai:scripted: provider:openai")
        assert len(summary) <= 60


async def test_the_details_of_a_waiting_run_say_until_when_however_long_the_reason(start: Start) -> None:
    async with start([say("Done.")]) as it:
        until = time.time() + 600
        view = BreakerView(name="provider:openai", state="open", until=until, manual=True, reason="why " * 50)
        await it.holdfast.state.breakers.set(view)
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "waiting")
        told = await details(it, session.id)
        assert re.search(r"^- \*\*waits\*\*: .* open until [0-9: -]+ UTC$", told, re.MULTILINE)
