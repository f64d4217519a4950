"""Calls of which nobody knows whether they happened: a person decides, and the rest goes on meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowUpdateFailedError

from holdfast import Agent, App, RetryPolicy, Tool, tool
from holdfast.testing import call, say
from holdfast_activities.session.common import log_writes
from holdfast_client import Session
from holdfast_workflows.contracts.agent.fallbacks import ErrorReply
from holdfast_workflows.contracts.errors import NothingToDo
from holdfast_workflows.contracts.names import call_key
from holdfast_workflows.contracts.session.entries import ResultEntry

from ...support import Gate, eventually, look
from ..conftest import Running, Start
from ..limited import decide, events, refused, status
from ..turn.test_inline_steps import activities

SCRIPT = [call("post", {"what": "it"}) + call("look", {"at": "it"}), say("Done.")]


def posting(posts: list[str], hang: int = 1, *more: Tool[..., Any]) -> App:
    """An agent whose ``post`` must not be repeated; its first attempts end in silence."""

    @tool(effect="once", timeout=0.2)
    async def post(what: str) -> str:
        """Post something.

        Args:
            what: What to post.
        """
        posts.append(what)
        if len(posts) <= hang:
            await asyncio.Event().wait()
        return f"{what}: posted"

    tools: list[Tool[..., Any]] = [post, look, *more]
    return App(agents=[Agent("helper", model="openai:scripted", instructions="Help.", tools=tools)])


async def waiting(it: Running) -> tuple[Session, str]:
    """A session that waits for a person, and the id of what waits."""
    session = await it.holdfast.client.start("helper", "Go")
    view = await status(session, "needs_person")
    assert [each.kind for each in view.inbox] == ["effect"]
    return session, view.inbox[0].id


async def results(session: Session) -> list[tuple[str, str]]:
    return [(e.status, e.text) async for e in session.log() if isinstance(e, ResultEntry)]


async def test_a_person_says_what_came_of_it_and_nothing_is_repeated(start: Start) -> None:
    posts: list[str] = []
    async with start(list(SCRIPT), posting(posts)) as it:
        session, id = await waiting(it)
        assert id == "effect-3"

        async def looked() -> bool:
            return any(event.name == "look" for event in await events(session, "call_ended"))

        await eventually(looked)  # the call beside it has gone on
        assert "nothing-like-it" in str(
            await refused(decide(it.holdfast, session, "nothing-like-it", "retry"))
        )
        await decide(it.holdfast, session, id, "confirm", "it: posted by hand")
        assert (await session.wait()).text == "Done."
        assert (await results(session))[0] == ("ok", "it: posted by hand")
        assert posts == ["it"]
        assert isinstance(await refused(decide(it.holdfast, session, id, "retry")), NothingToDo)


async def test_the_details_say_which_command_decides_and_the_key_of_the_call_does_as_well(
    start: Start,
) -> None:
    async with start(list(SCRIPT), posting([])) as it:
        session, id = await waiting(it)
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        found = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        assert "whether post" in found.current_details
        assert f"`holdfast answer {session.id} {id} confirm --text …`" in found.current_details
        assert isinstance(
            await refused(decide(it.holdfast, session, "another-session-3", "retry")), NothingToDo
        )
        await decide(it.holdfast, session, call_key(session.id, 3), "give_up")  # as the ledger names it
        assert (await session.wait()).text == "Done."


async def test_a_person_has_it_done_again(start: Start) -> None:
    posts: list[str] = []
    async with start(list(SCRIPT), posting(posts)) as it:
        session, id = await waiting(it)
        await decide(it.holdfast, session, id, "retry")
        assert (await session.wait()).text == "Done."
        assert (await results(session))[0] == ("ok", "it: posted")
        assert posts == ["it", "it"]


async def test_what_is_unknown_again_is_asked_again(start: Start) -> None:
    posts: list[str] = []
    async with start(list(SCRIPT), posting(posts, hang=2)) as it:
        session, id = await waiting(it)
        await decide(it.holdfast, session, id, "retry")

        async def asked_twice() -> bool:
            return len(await events(session, "needs_person")) == 2

        await eventually(asked_twice)
        await decide(it.holdfast, session, id, "give_up")
        assert (await session.wait()).text == "Done."
        assert (await results(session))[0][0] == "failed"
        assert posts == ["it", "it"]


async def test_a_cancelled_turn_does_not_wait_for_people(start: Start) -> None:
    posts: list[str] = []
    async with start(list(SCRIPT), posting(posts)) as it:
        session, _ = await waiting(it)
        reply = await session.cancel()
        assert reply.status == "cancelled"
        assert [status for status, _ in await results(session)] == ["failed", "ok"]
        assert [row.status for row in await it.holdfast.state.effects.list(session.id)] == ["unknown"]
        assert posts == ["it"]


async def test_a_paused_session_takes_a_decision_and_goes_on_when_resumed(start: Start) -> None:
    posts: list[str] = []
    async with start(list(SCRIPT), posting(posts)) as it:
        session, id = await waiting(it)
        assert (await session.pause()).status == "paused"
        await decide(it.holdfast, session, id, "confirm", "done")
        await session.resume()
        assert (await session.wait()).text == "Done."


async def test_what_a_person_has_done_again_in_a_paused_session_is_done_when_it_is_resumed(
    start: Start,
) -> None:
    posts: list[str] = []
    async with start(list(SCRIPT), posting(posts)) as it:
        session, id = await waiting(it)
        await session.pause()
        await decide(it.holdfast, session, id, "retry")
        assert (await activities(it, session.id)).count("post") == 1
        await session.resume()
        assert (await session.wait()).text == "Done."
        assert posts == ["it", "it"]


async def test_a_retry_that_is_cancelled_before_it_begins_is_told_as_unknown(start: Start) -> None:
    posts: list[str] = []
    gate = Gate()

    @tool(breaker=False, retries=RetryPolicy(attempts=200, first_delay=0.05, max_delay=0.05, adaptive=False))
    async def hold() -> str:
        """Take the worker's only place."""
        if not posts:  # the two are scheduled at once, and either may be first
            raise RuntimeError("its turn has not come")
        gate.entered.set()
        await gate.opened.wait()
        return "passed"

    script = [call("post", {"what": "it"}) + call("hold", {})]
    async with start(script, posting(posts, 1, hold), max_concurrent_activities=1) as it:
        session, id = await waiting(it)
        await gate.arrived()
        await decide(it.holdfast, session, id, "retry")
        assert (await session.cancel()).status == "cancelled"
        assert (await results(session))[0] == (
            "failed",
            "it is unknown whether this call happened, and it was given up",
        )
        assert [e.status for e in await it.holdfast.client.effects(session=session.id)] == ["unknown"]
        assert posts == ["it"]


async def test_a_call_whose_end_could_not_be_written_is_not_told_as_not_run(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writes, "HOLD_ON", 0.0)
    running: list[Running] = []

    @tool(effect="once", timeout=1.0)
    async def pay() -> str:
        """Pay, and lose the database."""
        await running[0].holdfast.state.close()
        return "paid"

    # With a last resort nobody waits for providers; for what a call did to the world one has to.
    agent = Agent("helper", model="openai:scripted", tools=[pay], fallbacks=[ErrorReply(text="No.")])
    async with start([call("pay", {}), say("Done.")], App(agents=[agent])) as it:
        running.append(it)
        session = await it.holdfast.client.start("helper", "Go")

        async def told() -> bool:
            return (await session.view()).waiting_for != "" or bool(await events(session, "call_ended"))

        await eventually(told)
        handle: Any = it.holdfast.temporal.get_workflow_handle(session.id)
        with suppress(WorkflowUpdateFailedError):
            await handle.execute_update("cancel_turn", "")

        async def ended() -> bool:
            return bool(await events(session, "call_ended"))

        await eventually(ended)
        assert (await events(session, "call_ended"))[0].text == "it is unknown whether it happened"
