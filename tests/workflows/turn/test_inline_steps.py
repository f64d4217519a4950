"""Bursts: inline tools within the model's activity, with control that takes hold between their steps."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.api.enums.v1 import PendingActivityState

from holdfast import Agent, App, ErrorReply
from holdfast.testing import Reply, Request, call, overloaded, rate_limited, say, unauthorized
from holdfast_workflows.contracts.agent.spec import RetryPolicy
from holdfast_workflows.contracts.errors import ModelRejected, ModelTransient
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry, UserEntry

from ...support import Gate, eventually, make_app, peek
from ..conftest import Running, Start
from ..limited import events, status

CANCEL_REQUESTED = PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED


def peeks(count: int) -> object:
    def script(request: Request) -> Reply:
        return call("peek", {"at": str(request.results)}) if request.results < count else say("Seen all.")

    return script


async def activities(it: Running, session: str) -> list[str]:
    handle = it.holdfast.temporal.get_workflow_handle(session)
    return [
        event.activity_task_scheduled_event_attributes.activity_type.name
        async for event in handle.fetch_history_events()
        if event.HasField("activity_task_scheduled_event_attributes")
    ]


async def test_inline_tools_run_within_the_models_activity(start: Start) -> None:
    async with start(peeks(10)) as it:
        session = await it.holdfast.client.start("helper", "Look around")
        reply = await session.wait(raise_on_error=False)
        assert (reply.text, reply.steps) == ("Seen all.", 11)
        ran = await activities(it, session.id)
        assert ran.count("think") == 2
        assert "peek" not in ran
        assert len([e async for e in session.log() if isinstance(e, ResultEntry)]) == 10
        view = await session.view(0)
        assert [event.step for event in view.events if event.kind == "step"] == list(range(1, 12))


async def test_a_step_with_other_tools_ends_the_burst_and_runs_them_as_activities(start: Start) -> None:
    script = [
        call("peek", {"at": "a"}),
        call("peek", {"at": "b"}) + call("look", {"at": "c"}),
        call("peek", {"at": "d"}),
        say("Done."),
    ]
    async with start(script) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait()).text == "Done."
        assert (await activities(it, session.id))[:3] == ["think", "look", "think"]
        results = [e.text async for e in session.log() if isinstance(e, ResultEntry)]
        assert results == ["a: glimpsed", "b: glimpsed", "c: seen", "d: glimpsed"]


async def test_a_burst_never_passes_the_step_limit(start: Start) -> None:
    async with start(peeks(100), make_app(max_steps=11)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        reply = await session.wait(raise_on_error=False)
        assert (reply.status, reply.steps) == ("failed", 11)
        assert len(it.model.requests) == 11


async def test_pause_takes_hold_within_a_burst_after_the_current_step(start: Start) -> None:
    gate = Gate()

    def script(request: Request) -> Reply:
        if request.results < 6:
            return call("linger" if request.results == 1 else "peek", lingering(request.results))
        return say("Done.")

    def lingering(n: int) -> dict[str, str]:
        return {"name": "a"} if n == 1 else {"at": str(n)}

    async with start(script, make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        await session.pause()

        await heard(it, session.id)
        gate.opened.set()

        async def held() -> bool:
            view = await session.view()
            return view.status == "paused" and view.step >= 2

        await eventually(held)
        taken = (await session.view()).step
        assert taken < 7
        assert len([e async for e in session.log() if isinstance(e, ReplyEntry)]) == taken
        await session.resume()
        assert (await session.wait()).text == "Done."
        assert len(it.model.requests) == 7


async def heard(it: Running, session: str) -> None:
    """Wait until the burst has heard that it is asked to yield: with the first heartbeat after that."""
    handle = it.holdfast.temporal.get_workflow_handle(session)
    beats: set[int] = set()

    async def so() -> bool:
        for each in (await handle.describe()).raw_description.pending_activities:
            if each.state == CANCEL_REQUESTED:
                beats.add(each.last_heartbeat_time.ToNanoseconds())
        return len(beats) > 1

    await eventually(so)


async def test_cancel_ends_a_burst_and_keeps_what_was_settled(start: Start) -> None:
    gate = Gate()

    def script(request: Request) -> Reply:
        if request.number > 3:
            return say("Fresh.")
        return call("linger", {"name": "a"}) if request.results == 2 else call("peek", {"at": "x"})

    async with start(script, make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        reply = await session.cancel()
        assert reply.status == "cancelled"
        assert reply.steps == 2
        assert (await session.send("Anew")).text == "Fresh."


THRICE = RetryPolicy(attempts=3, first_delay=0.01, max_delay=0.02, adaptive=False)


def patient(retry: RetryPolicy, **options: Any) -> App:
    """An agent with an inline tool, and that policy for its model."""
    agent = Agent("helper", model="openai:scripted", tools=[peek], model_retry=retry, **options)
    return App(agents=[agent])


@pytest.mark.parametrize(("attempts", "before"), [(3, 0), (3, 2), (1, 0)])
async def test_a_later_step_of_a_burst_is_asked_for_as_often_as_its_policy_allows_and_no_more(
    start: Start, attempts: int, before: int
) -> None:
    def script(request: Request) -> Reply:
        if request.results:
            return overloaded()
        return overloaded() if request.number <= before else call("peek", {"at": "it"})

    async with start(script, patient(THRICE.model_copy(update={"attempts": attempts}))) as it:
        session = await it.holdfast.client.start("helper", "Go")
        reply = await session.wait(raise_on_error=False)
        assert isinstance(reply.error, ModelTransient)
        assert reply.steps == 1
        asked = [request.results for request in it.model.requests]
        assert asked == [0] * (before + 1) + [1] * attempts


async def test_what_helps_no_later_step_is_not_asked_for_twice(start: Start) -> None:
    async with start([call("peek", {"at": "it"}), unauthorized()], patient(THRICE)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert isinstance((await session.wait(raise_on_error=False)).error, ModelRejected)
        assert len(it.model.requests) == 2


async def test_last_resorts_are_tried_where_a_later_step_of_a_burst_fails(start: Start) -> None:
    def script(request: Request) -> Reply:
        return overloaded() if request.results else call("peek", {"at": "it"})

    async with start(script, patient(THRICE, fallbacks=[ErrorReply(text="Later.")])) as it:
        session = await it.holdfast.client.start("helper", "Go")
        reply = await session.wait(raise_on_error=False)
        assert (reply.status, reply.text, reply.steps) == ("failed", "Later.", 1)
        assert len(it.model.requests) == 4


async def test_what_a_lost_worker_writes_late_for_a_step_that_failed_takes_no_message_away(
    start: Start,
) -> None:
    def script(request: Request) -> Reply:
        if request.number == 2:
            return unauthorized()
        return say("Fresh.") if request.number > 2 else call("peek", {"at": "it"})

    async with start(script, patient(THRICE)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait(raise_on_error=False)).steps == 1
        last = [entry async for entry in session.log()][-1]
        late = ReplyEntry(seq=last.seq + 1, turn=1, step=2, at=last.at, text="Late.")
        await it.holdfast.state.log.settle(session.id, [late])
        assert (await session.send("Anew")).text == "Fresh."
        said = [entry.text async for entry in session.log() if isinstance(entry, UserEntry)]
        assert said == ["Go", "Anew"]


@pytest.mark.parametrize("by", ["pause", "steer", "cancel"])
async def test_what_a_burst_has_settled_counts_though_it_is_stopped_between_two_attempts(
    start: Start, by: str
) -> None:
    def script(request: Request) -> Reply:
        if request.number == 2:
            return rate_limited(20)
        return say("Done.") if request.number > 2 else call("peek", {"at": "it"})

    async with start(script, patient(THRICE, max_wait=0.0)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        handle = it.holdfast.temporal.get_workflow_handle(session.id)

        async def waits() -> bool:
            pending = (await handle.describe()).raw_description.pending_activities
            return any(each.HasField("last_failure") for each in pending)

        await eventually(waits)
        if by == "steer":
            await session.steer("Now.")
        elif by == "cancel":
            await session.cancel()
        else:
            await session.pause()

        async def told() -> bool:
            return len(await events(session, "step")) == 1

        await eventually(told)
        assert len(it.model.requests) == 2
        await session.cancel() if by == "pause" else await session.wait(raise_on_error=False)
        last = (await session.view()).last
        assert last is not None
        assert (last.steps, last.usage.input_tokens > 0) == (1, True)


@pytest.mark.slow
async def test_attempts_at_a_later_step_of_a_burst_are_counted_on_over_a_park(start: Start) -> None:
    twice = THRICE.model_copy(update={"attempts": 2, "first_delay": 8.0, "max_delay": 8.0})

    def script(request: Request) -> Reply:
        return overloaded() if request.results else call("peek", {"at": "it"})

    async with start(script, patient(twice)) as it:
        session = await it.holdfast.client.start("helper", "Go")

        async def failed_once() -> bool:
            return len(it.model.requests) == 2

        await eventually(failed_once)
        await it.holdfast.client.set_breaker("provider:openai", "open", seconds=10)
        assert (await status(session, "waiting")).step == 1
        assert isinstance((await session.wait(raise_on_error=False)).error, ModelTransient)
        assert len(it.model.requests) == 1 + twice.attempts
