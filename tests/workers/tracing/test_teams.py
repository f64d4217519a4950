"""The spans of sessions that work for others: a team is one trace, the sessions of a fleet have their own."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from holdfast.testing import Reply, Request, call, say

from .conftest import Application, Traced
from .receiver import Received, Receiver


def leading(*calls: Reply) -> Callable[[Request], Reply]:
    """The script of a lead that makes these calls, and of agents that answer."""

    def script(request: Request) -> Reply:
        if request.model != "lead":
            return say("A boat.")
        return calls[request.results] if request.results < len(calls) else say("Done.")

    return script


def above(collector: Receiver, span: Received) -> list[str]:
    """The names of the spans above one, the nearest first."""
    by_id = {each.id: each for each in collector.spans}
    found: list[str] = []
    while span.parent in by_id:
        span = by_id[span.parent]
        found.append(span.name)
    return found


async def test_tasks_of_a_fan_out_are_within_its_call(collector: Receiver, traced: Traced) -> None:
    async with traced(leading(call("fan_out_to_clerk", {"tasks": ["One.", "Two."]}))) as holdfast:
        await holdfast.client.run("lead", "Go.")
        await collector.has("invoke_agent lead")
    children = collector.named("invoke_agent clerk")
    call_of = collector.one("execute_tool fan_out_to_clerk")
    assert [each.parent for each in children] == [call_of.id, call_of.id]
    assert {each.trace for each in collector.spans} == {call_of.trace}


async def test_a_team_within_a_team_is_in_the_trace_of_the_first_turn(
    collector: Receiver, traced: Traced
) -> None:
    async with traced(leading(call("delegate_to_press", {"task": "Print."}))) as holdfast:
        await holdfast.client.run("lead", "Go.")
        await collector.has("invoke_agent lead")
    (last,) = [
        each for each in collector.named("chat gpt-test") if each.attributes["gen_ai.agent.name"] == "clerk"
    ]
    assert above(collector, last) == [
        "invoke_agent clerk",
        "execute_tool delegate_to_clerk",
        "invoke_agent press",
        "execute_tool delegate_to_press",
        "invoke_agent lead",
    ]
    assert {each.trace for each in collector.spans} == {last.trace}


async def test_after_a_handoff_the_turn_goes_on_in_its_trace(collector: Receiver, traced: Traced) -> None:
    async with traced(leading(call("handoff_to_clerk", {"reason": "boats"}))) as holdfast:
        await holdfast.client.run("lead", "Go.")
        await collector.has("invoke_agent clerk")
    turn = collector.one("invoke_agent clerk")
    models = [collector.one("chat lead"), collector.one("chat gpt-test")]
    assert [(each.trace, each.parent) for each in models] == 2 * [(turn.trace, turn.id)]


async def test_sessions_of_a_fleet_have_traces_of_their_own_that_name_its_start(
    collector: Receiver, traced: Traced, application: Application
) -> None:
    count = 14
    async with traced(leading()) as holdfast:
        with application(ALWAYS_ON):
            items = [f"Look {number}." for number in range(count)]
            fleet = await holdfast.client.fleets.start(
                "clerk", items, concurrency=2, continue_as_new_after=100
            )
        await fleet.wait()
        await collector.has("invoke_agent clerk", count)
        run = await holdfast.temporal.get_workflow_handle(fleet.id).describe()
    # Its later runs know it, too.
    assert run.raw_description.workflow_execution_info.first_run_id != run.run_id
    started = collector.one("start_fleet")
    assert started.attributes["holdfast.fleet"] == fleet.id
    turns = collector.named("invoke_agent clerk")
    assert [(each.parent, each.links) for each in turns] == count * [("", (started.id,))]
    assert len({started.trace, *(each.trace for each in turns)}) == count + 1
    chats = collector.named("chat gpt-test")
    assert {(each.trace, each.parent) for each in chats} == {(each.trace, each.id) for each in turns}


async def test_a_task_of_a_schedule_has_a_trace_of_its_own(
    collector: Receiver, traced: Traced, application: Application
) -> None:
    async with traced([say("A boat.")]) as holdfast:
        with application(ALWAYS_ON):
            schedule = await holdfast.client.schedule("yearly", "clerk", "Look.", cron="0 0 1 1 *")
            await holdfast.client.schedules.trigger(schedule.id)
        await collector.has("invoke_agent clerk")
        await holdfast.client.schedules.delete(schedule.id)
    turn = collector.one("invoke_agent clerk")
    assert (turn.parent, turn.trace == collector.one("request").trace) == ("", False)
