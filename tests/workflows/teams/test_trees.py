"""Trees of sessions: their cancel, and what a child costs its parent."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus

from holdfast import App, Delegate, FanOut, ToolContext, tool
from holdfast.testing import Reply, Request, call, say

from ...support import blow, eventually
from ..conftest import Running, Start
from ..control.resets import events
from .team import agent, by_agent


@pytest.mark.slow
async def test_a_cancel_of_a_tree_of_twenty_returns_when_the_last_call_has_ended(start: Start) -> None:
    begun, ended = list[str](), list[str]()

    @tool(effect="idempotent")
    async def hold(ctx: ToolContext) -> str:
        """Wait until cancelled."""
        begun.append(ctx.session)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.3)  # cleaning up takes a while
            ended.append(ctx.session)
        return "passed"

    leaf = agent("leaf", tools=[hold])
    branch = agent("branch", tools=[FanOut(leaf)])
    root = agent("root", tools=[FanOut(branch)])
    script = by_agent(
        root=lambda _: call("fan_out_to_branch", {"tasks": list("abcd")}),
        branch=lambda _: call("fan_out_to_leaf", {"tasks": ["1", "2", "3", "4"]}),
        leaf=lambda _: call("hold"),
    )
    async with start(script, App(agents=[root, branch, leaf])) as it:
        session = await it.holdfast.client.start("root", "Go")

        async def working() -> bool:
            return len(begun) == 16

        await eventually(working)
        reply = await session.cancel()
        asked, landed = len(it.model.requests), sorted(ended)
        assert reply.status == "cancelled"
        assert landed == sorted(begun)
        temporal = it.holdfast.temporal

        async def children() -> list[str]:
            query = f"WorkflowId STARTS_WITH '{session.id}-'"
            return [each.id async for each in temporal.list_workflows(query)]

        async def listed() -> bool:
            return len(await children()) >= 20

        await eventually(listed)  # the server lists with a delay
        tree = await children()
        states = [(await temporal.get_workflow_handle(id).describe()).status for id in tree]
        assert states == [WorkflowExecutionStatus.CANCELED] * 20
        assert asked == len(it.model.requests) == 1 + 4 + 16


async def _size(it: Running, message: str, *, only_children: bool = False) -> int:
    """The bytes of the history of a task, or of its events about children."""
    # A task, since a client's wait for a turn adds events.
    session = await it.holdfast.client.start_task("lead", message)
    await session.result()
    history = await events(it, session.id)
    names = {event.event_id: EventType.Name(event.event_type) for event in history}
    return sum(each.ByteSize() for each in history if not only_children or "CHILD" in names[each.event_id])


async def test_a_childs_cost_in_the_history_does_not_depend_on_its_length(start: Start) -> None:
    worker = agent("worker", tools=[blow])
    lead = agent("lead", tools=[Delegate(worker)])

    def works(request: Request) -> Reply:
        long = b"a long one" in request.body
        if request.results < (12 if long else 1):
            return call("blow", {"size": 2_000, "text": str(request.number)})
        return say("y" * (1_000_000 if long else 10_000))

    def leads(request: Request) -> Reply:
        task = "a long one" if b"Long" in request.body else "a brief one"
        return say("Done.") if request.results else call("delegate_to_worker", {"task": task})

    async with start(by_agent(lead=leads, worker=works), App(agents=[lead, worker])) as it:
        brief, long = [await _size(it, message, only_children=True) for message in ("Brief", "Long")]
        # Longer numbers only.
        assert abs(long - brief) < 50


async def test_each_child_of_a_call_adds_the_same_to_the_history(start: Start) -> None:
    worker = agent("worker")
    lead = agent("lead", tools=[FanOut(worker, most=12)])

    def leads(request: Request) -> Reply:
        tasks = ["Go"] * (12 if b"Many" in request.body else 2)
        return say("Done.") if request.results else call("fan_out_to_worker", {"tasks": tasks})

    script = by_agent(lead=leads, worker=lambda _: say("Worked."))
    async with start(script, App(agents=[lead, worker])) as it:
        few, many = [await _size(it, message) for message in ("Few", "Many")]
        assert (many - few) / 10 < 3_000
