"""Agents give tasks to other agents."""

from __future__ import annotations

import asyncio

from holdfast import App, Delegate, FanOut, tool
from holdfast.testing import Reply, Request, call, say

from ...support import Gate
from ..conftest import Start
from .team import agent, by_agent, hold_tool, result


async def test_an_agent_reads_the_reply_of_the_one_it_delegates_to(start: Start) -> None:
    worker = agent("worker")
    app = App(agents=[agent("lead", tools=[Delegate(worker)]), worker])
    task = "Count the " + "very " * 2_000 + "many apples."
    script = by_agent(
        lead=[call("delegate_to_worker", {"task": task}), say("There are 3.")], worker=[say("3 apples.")]
    )
    async with start(script, app) as it:
        session = await it.holdfast.client.start("lead", "How many?", tenant="acme", user="ann")
        assert (await session.wait()).text == "There are 3."
        given = await result(session)
        assert (given.text, given.status) == ("3 apples.", "ok")
        view = await it.holdfast.client.session(f"{session.id}-{given.seq}").view()
        assert task in it.model.requests[1].body.decode()
        assert (view.agent, view.tenant, view.user, view.status) == ("worker", "acme", "ann", "closed")


async def test_a_failed_agents_task_goes_to_its_fallback_agent(start: Start) -> None:
    first, second = agent("first"), agent("second")
    lead = agent("lead", tools=[Delegate(first, fallbacks=[second])])
    script = by_agent(
        lead=[call("delegate_to_first", {"task": "Go"}), say("Done.")],
        first=lambda _: say("", finish="length"),
        second=[say("Second's.")],
    )
    async with start(script, App(agents=[lead, first, second])) as it:
        session = await it.holdfast.client.start("lead", "Go")
        await session.wait()
        assert (await result(session)).text == "Second's."


async def test_the_model_reads_what_was_tried(start: Start) -> None:
    first, second = agent("first"), agent("second")
    lead = agent("lead", tools=[Delegate(first, fallbacks=[second])])
    script = by_agent(
        lead=[call("delegate_to_first", {"task": "Go"}), say("Done.")],
        first=lambda _: say("", finish="length"),
        second=lambda _: say("", finish="length"),
    )
    async with start(script, App(agents=[lead, first, second])) as it:
        session = await it.holdfast.client.start("lead", "Go")
        await session.wait()
        given = await result(session)
        assert given.status == "failed"
        assert "second failed" in given.text
        assert "Tried before: first: output_cut_off" in given.text


async def test_tasks_of_one_call_run_at_the_same_time_and_all_are_joined(start: Start) -> None:
    together = asyncio.Barrier(3)

    @tool
    async def meet() -> str:
        """Wait for the others."""
        await together.wait()
        return "met"

    worker = agent("worker", tools=[meet])
    lead = agent("lead", tools=[FanOut(worker)])
    script = by_agent(
        lead=[call("fan_out_to_worker", {"tasks": ["a", "b", "c"]}), say("All.")],
        worker=lambda request: say("Done.") if request.results else call("meet"),
    )
    async with start(script, App(agents=[lead, worker])) as it:
        session = await it.holdfast.client.start("lead", "Go")
        assert (await session.wait()).text == "All."
        text = (await result(session)).text
        assert text == "\n\n".join(
            f"## {n}. worker, done: {task}\n\nDone." for n, task in enumerate("abc", 1)
        )


async def test_the_first_reply_is_enough_and_the_other_agents_are_cancelled(start: Start) -> None:
    gate = Gate()
    quick, slow = agent("quick"), agent("slow", tools=[hold_tool(gate)])
    lead = agent("lead", tools=[FanOut([quick, slow], join="first")])
    tasks = [{"agent": "slow", "task": "a"}, {"agent": "quick", "task": "b"}]

    async def reply_at_last(_: Request) -> Reply:
        await gate.arrived()
        return say("Quick.")

    script = by_agent(
        lead=[call("fan_out", {"tasks": tasks}), say("One.")], slow=[call("hold")], quick=reply_at_last
    )
    async with start(script, App(agents=[lead, quick, slow])) as it:
        session = await it.holdfast.client.start("lead", "Go")
        assert (await session.wait()).text == "One."
        given = await result(session)
        assert "## 2. quick, done: b\n\nQuick." in given.text
        assert "## 1. slow, cancelled: a" in given.text
        assert gate.left == ["hold"]
        assert (await it.holdfast.client.session(f"{session.id}-{given.seq}.1").view()).status == "cancelled"


async def test_an_agent_that_takes_too_long_is_cancelled_and_another_one_gets_the_task(start: Start) -> None:
    gate = Gate()
    slow, quick = agent("slow", tools=[hold_tool(gate)]), agent("quick")
    lead = agent("lead", tools=[Delegate(slow, fallbacks=[quick], timeout=1.0)])
    script = by_agent(
        lead=[call("delegate_to_slow", {"task": "Go"}), say("Done.")],
        slow=[call("hold")],
        quick=[say("Quick.")],
    )
    async with start(script, App(agents=[lead, slow, quick])) as it:
        session = await it.holdfast.client.start("lead", "Go")
        await session.wait()
        given = await result(session)
        assert given.text == "Quick."
        assert gate.left == ["hold"]


async def test_a_cancel_reaches_the_children_and_waits_until_their_calls_have_ended(start: Start) -> None:
    gate = Gate()
    worker = agent("worker", tools=[hold_tool(gate)])
    lead = agent("lead", tools=[Delegate(worker)])
    script = by_agent(lead=[call("delegate_to_worker", {"task": "Go"})], worker=[call("hold")])
    async with start(script, App(agents=[lead, worker])) as it:
        session = await it.holdfast.client.start("lead", "Go")
        await gate.arrived()
        assert (await session.cancel()).status == "cancelled"
        assert gate.left == ["hold"]
        given = await result(session)
        assert given.status == "cancelled"
        assert (await it.holdfast.client.session(f"{session.id}-{given.seq}").view()).status == "cancelled"
