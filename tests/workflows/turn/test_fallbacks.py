"""Last fallbacks: what a turn does, in the agent's order, when no provider answers; and errors that can be quoted."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from holdfast import App
from holdfast.testing import Reply, Request, call, failed, say
from holdfast_activities.session.common import log_writes
from holdfast_client import Session
from holdfast_workflows.contracts.agent.fallbacks import AskHuman, CachedReply, ErrorReply, SimplifiedReply
from holdfast_workflows.contracts.agent.spec import RetryPolicy
from holdfast_workflows.contracts.errors import NothingToDo, SessionClosed, TurnCancelled
from holdfast_workflows.contracts.session.session import TurnView

from ...support import make_app
from ..conftest import Running, Start
from ..control.test_edges import locked
from ..limited import decide, events, refused, status

ONCE = RetryPolicy(attempts=1)


def with_fallbacks(*fallbacks: Any, **options: Any) -> App:
    return make_app(fallbacks=fallbacks, model_retry=ONCE, **options)


@pytest.fixture
def lockable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state database for which no write waits long, so that a test may hold it up."""
    monkeypatch.setattr(log_writes, "HOLD_ON", 0.0)
    return tmp_path / "state.db"


def impatient(database: Path) -> str:
    return f"sqlite:///{database}?busy_seconds=0.05"


def down(_: Request) -> Reply:
    return failed(503, "Overloaded.")


async def last(session: Session) -> TurnView:
    await session.wait(raise_on_error=False)
    view = (await session.view()).last
    assert view is not None
    return view


async def test_a_failed_turn_has_an_id_that_is_in_the_log_once(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        async with start(down, make_app(model_retry=ONCE)) as it:
            session = await it.holdfast.client.start("helper", "Go")
            error = (await last(session)).error
    assert error is not None
    assert len(error.id) == 12
    assert error.retryable
    assert len([record for record in caplog.records if error.id in record.getMessage()]) == 1


async def test_an_error_reply_tells_the_user_in_the_agents_words(start: Start) -> None:
    async with start(down, with_fallbacks(ErrorReply(text="Sorry ({id}). {retry}"))) as it:
        session = await it.holdfast.client.start("helper", "Go")
        view = await last(session)
        assert view.error is not None
        assert (view.status, view.reply) == ("failed", f"Sorry ({view.error.id}). Please try again later.")
        assert [event.name for event in await events(session, "fallback")] == ["error"]


async def test_a_person_answers_in_the_models_place(start: Start) -> None:
    async with start(down, with_fallbacks(AskHuman())) as it:
        session = await it.holdfast.client.start("helper", "Where is order 42?")
        view = await status(session, "needs_person")
        assert [(each.id, each.kind) for each in view.inbox] == [("ask_human-1", "ask_human")]
        assert "Where is order 42?" in view.inbox[0].what
        assert isinstance(
            await refused(decide(it.holdfast, session, "ask_human-1", "confirm", " ")), NothingToDo
        )
        assert "ask_human-1" in str(await refused(decide(it.holdfast, session, "ask_human-9", "retry")))
        await decide(it.holdfast, session, "ask_human-1", "confirm", "On its way.")
        reply = await session.wait(raise_on_error=False)
        assert (reply.status, reply.text) == ("done", "On its way.")
        assert [event.name for event in await events(session, "decided")] == ["Ann"]


async def test_what_a_person_says_while_the_database_is_away_is_not_asked_for_again(
    start: Start, lockable: Path
) -> None:
    async with start(down, with_fallbacks(AskHuman(), ErrorReply()), state_url=impatient(lockable)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "needs_person")
        with locked(lockable):
            await decide(it.holdfast, session, "ask_human-1", "confirm", "On its way.")
            await status(session, "waiting")
        assert (await session.wait()).text == "On its way."
        assert len(await events(session, "needs_person")) == 1


async def test_a_task_says_what_it_failed_with_while_the_database_holds_up_its_end(
    start: Start, lockable: Path
) -> None:
    async with start(down, with_fallbacks(AskHuman()), state_url=impatient(lockable)) as it:
        session = await it.holdfast.client.start_task("helper", "Go")
        await status(session, "needs_person")
        with locked(lockable):
            await session.cancel("no more")
            for late in (session.pause(), session.close(), session.send("Go on.")):
                with pytest.raises(SessionClosed, match="no more"):
                    await late
        with pytest.raises(TurnCancelled, match="no more"):
            await session.result()


async def test_a_person_has_the_model_asked_again(start: Start) -> None:
    def script(request: Request) -> Reply:
        return down(request) if request.number == 1 else say("I am back.")

    async with start(script, with_fallbacks(AskHuman())) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "needs_person")
        await decide(it.holdfast, session, "ask_human-1", "retry")
        assert (await session.wait()).text == "I am back."


async def test_what_a_person_gives_up_goes_to_the_next_fallback(start: Start) -> None:
    async with start(down, with_fallbacks(AskHuman(), ErrorReply(text="No."))) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "needs_person")
        await decide(it.holdfast, session, "ask_human-1", "give_up")
        view = await last(session)
        assert (view.status, view.reply) == ("failed", "No.")


async def test_a_turn_that_waits_for_a_person_can_be_cancelled(start: Start) -> None:
    async with start(down, with_fallbacks(AskHuman())) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "needs_person")
        assert (await session.cancel()).status == "cancelled"
        assert (await session.view()).status == "idle"


async def test_a_handoff_goes_over_a_roll_over(start: Start) -> None:
    def script(request: Request) -> Reply:
        return call("look", {"at": "it"}) if request.number == 1 else down(request)

    async with start(script, with_fallbacks(AskHuman())) as it:
        session = await it.holdfast.client.start("helper", "Go", continue_as_new_after=25)
        await status(session, "needs_person")
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        before, asked = (await handle.describe()).run_id, len(it.model.requests)
        for _ in range(12):
            if (await handle.describe()).run_id != before:
                break
            await session.steer("hurry")
        assert (await handle.describe()).run_id != before
        await status(session, "needs_person")
        # The new run waits where the old one did: nobody asked the model again.
        assert len(it.model.requests) == asked
        await decide(it.holdfast, session, "ask_human-1", "confirm", "Here.")
        assert (await session.wait()).text == "Here."


async def test_an_error_of_the_turns_own_goes_to_no_fallback(start: Start) -> None:
    async with start([say("Half").but(finish="refusal")], with_fallbacks(ErrorReply(text="No."))) as it:
        session = await it.holdfast.client.start("helper", "Go")
        view = await last(session)
        assert view.error is not None
        assert view.error.code == "model_refused"
        assert view.reply == "Half"


async def test_a_kept_reply_and_a_simpler_one_come_before_a_person(start: Start) -> None:
    def script(request: Request) -> Reply:
        return down(request) if b'"tools"' in request.body else say("In short: yes.")

    async with start(script, with_fallbacks(CachedReply(), SimplifiedReply(), AskHuman())) as it:
        session = await it.holdfast.client.start("helper", "Go")
        reply = await session.wait(raise_on_error=False)
        assert (reply.status, reply.text) == ("done", "In short: yes.")
        assert [event.name for event in await events(session, "fallback")] == ["cached", "simplified"]


async def test_the_database_is_waited_for_since_no_resort_stands_in_for_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writes, "HOLD_ON", 0.0)
    closing: list[asyncio.Task[None]] = []
    running: list[Running] = []

    def script(_: Request) -> Reply:
        closing.append(asyncio.get_running_loop().create_task(running[0].holdfast.state.close()))
        return say("Hi.").but(delay=0.3)

    async with start(script, with_fallbacks(ErrorReply(text="No."))) as it:
        running.append(it)
        session = await it.holdfast.client.start("helper", "Go")

        assert "database" in (await status(session, "waiting")).waiting_for
