"""Waiting for turns of sessions that do not let one wait."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from temporalio.client import Client as TemporalClient
from temporalio.client import Interceptor, OutboundInterceptor, QueryWorkflowInput

from holdfast.testing import Environment, Reply, Request, failed, say
from holdfast_client import Client, connect
from holdfast_workflows.contracts.errors import NothingToDo
from holdfast_workflows.contracts.limits import MAX_WAITERS
from holdfast_workflows.session.state.state import KEPT_TURNS

from ...support import eventually
from ..conftest import Running


@dataclass
class Questions(Interceptor):
    """When a client asked a session for a turn, as Temporal's own client saw it."""

    asked: list[float] = field(default_factory=list[float])

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002 # the SDK's name
        return _Counting(next, self.asked)

    async def reach(self, count: int) -> None:
        async def reached() -> bool:
            return len(self.asked) >= count

        await eventually(reached)


class _Counting(OutboundInterceptor):
    def __init__(self, beneath: OutboundInterceptor, asked: list[float]) -> None:
        super().__init__(beneath)
        self._asked = asked

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:  # noqa: A002 # the SDK's name
        if input.query == "turn":
            self._asked.append(time.monotonic())
        return await super().query_workflow(input)


async def watched(holdfast: Environment) -> tuple[Client, Questions]:
    """A client whose questions are seen."""
    questions = Questions()
    config = holdfast.temporal.config()
    config["interceptors"] = [questions]
    return await connect(temporal=TemporalClient(**config), task_queue=holdfast.task_queue), questions


async def waits_in_history(holdfast: Environment, session: str) -> int:
    """How many waits the session's history keeps."""
    events = holdfast.temporal.get_workflow_handle(session).fetch_history_events()
    names = [
        event.workflow_execution_update_accepted_event_attributes.accepted_request.input.name
        async for event in events
    ]
    return names.count("wait_turn")


async def test_who_waits_on_a_paused_session_asks_less_and_less_often_and_leaves_no_history(
    running: Running,
) -> None:
    async with running([say("Hello."), say("Here I am.")]) as holdfast:
        client, questions = await watched(holdfast)
        session = await client.start("helper", "Hi!")
        await session.wait(raise_on_error=False)
        await session.pause()
        before = await waits_in_history(holdfast, session.id)
        sent = await session.send("Are you there?", wait=False)
        waiting = asyncio.create_task(session.wait(sent.turn, raise_on_error=False))
        await questions.reach(5)
        gaps = [after - earlier for earlier, after in zip(questions.asked, questions.asked[1:], strict=False)]
        assert gaps[3] >= 0.8
        assert not waiting.done()
        assert await waits_in_history(holdfast, session.id) == before
        await session.resume()
        assert (await asyncio.wait_for(waiting, 60)).text == "Here I am."


async def test_more_may_wait_for_a_turn_than_the_session_has_places_for(running: Running) -> None:
    go = asyncio.Event()

    async def script(_: Request) -> Reply:
        await go.wait()
        return say("At last.")

    async with running(script) as holdfast:
        client, questions = await watched(holdfast)
        session = await client.start("helper", "Hi!")
        waits = [asyncio.create_task(session.wait(1, raise_on_error=False)) for _ in range(MAX_WAITERS + 3)]
        try:
            await questions.reach(3)
            assert not any(wait.done() for wait in waits)
        finally:
            go.set()
        replies = await asyncio.wait_for(asyncio.gather(*waits), 60)
        assert {reply.text for reply in replies} == {"At last."}


async def test_a_turn_that_the_session_no_longer_remembers_is_read_from_the_database(
    running: Running,
) -> None:
    long = "word " * 4_000

    def script(request: Request) -> Reply:
        return {1: failed(400, "No such field."), 2: say(long)}.get(request.number, say("Yes."))

    async with running(script) as holdfast:
        session = await holdfast.client.start("helper", "Hi!")
        first = await session.wait(1, raise_on_error=False)
        for _ in range(KEPT_TURNS + 2):
            await session.send("And now?")
        stored = await session.wait(1, raise_on_error=False)
        assert (stored.status, str(stored.error)) == (first.status, str(first.error)) != ("done", "None")
        assert (await session.wait(2)).text == long
        with pytest.raises(NothingToDo):
            await session.wait(1_000, raise_on_error=False)
        await session.pause()  # it lets nobody wait meanwhile
        assert (await session.wait(2)).text == long
