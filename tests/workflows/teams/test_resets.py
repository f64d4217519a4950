"""A session that is reset while its children work."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus

from holdfast import Agent, App, Delegate, Session, tool
from holdfast.testing import Reply, Request, call, say

from ...support import Gate, eventually
from ..conftest import Running, Start
from ..control.resets import COMPLETED, events, reset
from .team import Script, agent, by_agent, hold_tool

CHILD = EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED


def leads(request: Request) -> Reply:
    return say("Done.") if request.results else call("delegate_to_worker", {"task": "Go"})


def works(request: Request) -> Reply:
    return say("Worked.") if request.results else call("hold")


@tool(effect="once")
async def pay() -> str:
    """Pay."""
    return "paid"


@asynccontextmanager
async def delegated(
    start: Start, gate: Gate, worker: Agent, lead: Script = leads
) -> AsyncGenerator[tuple[Running, Session, str]]:
    """A session whose child waits at the gate, with the child's id."""
    app = App(agents=[agent("lead", tools=[Delegate(worker)]), worker])
    async with start(by_agent(lead=lead, worker=works), app) as it:
        session = await it.holdfast.client.start("lead", "Go", heartbeat_timeout=2.0)
        await gate.arrived()
        yield it, session, f"{session.id}-3"


async def before_child(it: Running, session: str) -> int:
    """The last workflow task before the child was started."""
    history = await events(it, session)
    [started] = [event.event_id for event in history if event.event_type == CHILD]
    return [e.event_id for e in history if e.event_type == COMPLETED and e.event_id < started][-1]


async def before_reply(it: Running, session: str) -> int:
    """The first workflow task, before the model was asked."""
    return next(e.event_id for e in await events(it, session) if e.event_type == COMPLETED)


Point = Callable[[Running, str], Awaitable[int]]


@pytest.mark.parametrize("point", [before_child, before_reply])
async def test_a_call_that_is_made_again_waits_for_the_child_that_works_on_it(
    start: Start, point: Point
) -> None:
    gate = Gate()
    async with delegated(start, gate, agent("worker", tools=[hold_tool(gate), pay])) as (it, session, child):
        await reset(it, session.id, await point(it, session.id), reapply=True)

        async def adopted() -> bool:
            history = await events(it, session.id)
            return any(
                e.activity_task_scheduled_event_attributes.activity_type.name == "find_child" for e in history
            )

        await eventually(adopted)
        gate.opened.set()
        assert (await session.wait()).text == "Done."
        assert sum(b'"worker"' in request.body for request in it.model.requests) == 2
        ids = [w.id async for w in it.holdfast.temporal.list_workflows(f"ParentWorkflowId = '{session.id}'")]
        assert ids == [child]


async def test_a_child_that_no_call_waits_for_any_more_is_cancelled(start: Start) -> None:
    gate, replies = Gate(), iter([call("delegate_to_worker", {"task": "Go"}), say("On second thought, no.")])
    worker = agent("worker", tools=[hold_tool(gate)])
    async with delegated(start, gate, worker, lambda _: next(replies)) as (it, session, child):
        await reset(it, session.id, await before_reply(it, session.id), reapply=True)
        assert (await session.wait()).text == "On second thought, no."

        async def cancelled() -> bool:
            found = await it.holdfast.temporal.get_workflow_handle(child).describe()
            return found.status == WorkflowExecutionStatus.CANCELED

        await eventually(cancelled)
        assert gate.left == ["hold"]
