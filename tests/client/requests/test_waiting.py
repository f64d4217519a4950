"""Waiting for turns of sessions that accept no waiting updates."""

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
class CountedQueries(Interceptor):
    """Records the times of a client's turn queries."""

    times: list[float] = field(default_factory=list[float])

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002 # the SDK's name
        return _Counting(next, self.times)

    async def reach(self, count: int) -> None:
        async def reached() -> bool:
            return len(self.times) >= count

        await eventually(reached)


class _Counting(OutboundInterceptor):
    def __init__(self, inner: OutboundInterceptor, times: list[float]) -> None:
        super().__init__(inner)
        self._asked = times

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:  # noqa: A002 # the SDK's name
        if input.query == "turn":
            self._asked.append(time.monotonic())
        return await super().query_workflow(input)


async def counting_client(holdfast: Environment) -> tuple[Client, CountedQueries]:
    """Connect a client whose turn queries are recorded."""
    queries = CountedQueries()
    config = holdfast.temporal.config()
    config["interceptors"] = [queries]
    return await connect(temporal=TemporalClient(**config), task_queue=holdfast.task_queue), queries


async def waits_in_history(holdfast: Environment, session: str) -> int:
    """Count the waiting updates in the session's history."""
    events = holdfast.temporal.get_workflow_handle(session).fetch_history_events()
    names = [
        event.workflow_execution_update_accepted_event_attributes.accepted_request.input.name
        async for event in events
    ]
    return names.count("wait_turn")


async def test_waiting_on_a_paused_session_backs_off_and_adds_no_history(
    running: Running,
) -> None:
    async with running([say("Hello."), say("Here I am.")]) as holdfast:
        client, queries = await counting_client(holdfast)
        session = await client.start("helper", "Hi!")
        await session.wait(raise_on_error=False)
        await session.pause()
        before = await waits_in_history(holdfast, session.id)
        sent = await session.send("Are you there?", wait=False)
        waiting = asyncio.create_task(session.wait(sent.turn, raise_on_error=False))
        await queries.reach(5)
        gaps = [after - earlier for earlier, after in zip(queries.times, queries.times[1:], strict=False)]
        assert gaps[3] >= 0.8
        assert not waiting.done()
        assert await waits_in_history(holdfast, session.id) == before
        await session.resume()
        assert (await asyncio.wait_for(waiting, 60)).text == "Here I am."


async def test_more_clients_can_wait_than_the_session_has_slots(running: Running) -> None:
    go = asyncio.Event()

    async def script(_: Request) -> Reply:
        await go.wait()
        return say("At last.")

    async with running(script) as holdfast:
        client, queries = await counting_client(holdfast)
        session = await client.start("helper", "Hi!")
        waits = [asyncio.create_task(session.wait(1, raise_on_error=False)) for _ in range(MAX_WAITERS + 3)]
        try:
            await queries.reach(3)
            assert not any(wait.done() for wait in waits)
        finally:
            go.set()
        replies = await asyncio.wait_for(asyncio.gather(*waits), 60)
        assert {reply.text for reply in replies} == {"At last."}


async def test_a_turn_that_the_session_dropped_is_read_from_the_database(
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
        await session.pause()  # a paused session accepts no waiting updates
        assert (await session.wait(2)).text == long
