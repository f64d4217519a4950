"""Budgets of a session: what is counted in the workflow, what happens at the end, and raising it."""

from __future__ import annotations

import asyncio

from holdfast import Agent, App
from holdfast.testing import Reply, Request, call, say
from holdfast_workflows.contracts.agent.budget import Budget
from holdfast_workflows.contracts.errors import BadInput, BudgetExhausted, NothingToDo, TurnCancelled
from holdfast_workflows.contracts.operations.breakers import TenantLimits
from holdfast_workflows.contracts.session.entries import ResultEntry

from ...support import make_app
from ..conftest import Start
from ..limited import decide, events, raise_budget, refused, status
from ..turn.test_inline_steps import activities


def busy(request: Request) -> Reply:
    """A model that looks at one thing after the other for as long as it has tools."""
    return call("look", {"at": f"page {request.number}"}) if b'"tools"' in request.body else say("So far.")


def eager(request: Request) -> Reply:
    """A model that never answers, tools or not."""
    return call("look", {"at": f"page {request.number}"})


def limited(**limits: object) -> App:
    return make_app(budget=Budget.model_validate(limits))


async def test_the_last_step_of_a_budget_is_the_answer(start: Start) -> None:
    async with start(eager, limited(steps=4)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        reply = await session.wait(raise_on_error=False)
        assert (reply.status, reply.steps, len(it.model.requests)) == ("done", 4, 4)
        assert "3 of 4 steps" in (await events(session, "budget"))[0].text
        # It is the session's budget, so nothing is left for another turn.
        assert isinstance(
            (await session.wait((await session.send("On", wait=False)).turn, raise_on_error=False)).error,
            BudgetExhausted,
        )
        assert len(it.model.requests) == 4


async def test_without_a_budget_nothing_ends_early(start: Start) -> None:
    script = [call("look", {"at": str(n)}) for n in range(5)] + [say("Done.")]
    async with start(list(script)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait(raise_on_error=False)).steps == 6
        view = await session.view()
        assert (view.budget, view.spending.steps, view.spending.tool_calls) == (None, 6, 5)


async def test_a_budget_that_stops_fails_the_turn(start: Start) -> None:
    async with start(eager, limited(steps=2, when_spent="stop")) as it:
        session = await it.holdfast.client.start("helper", "Go")
        reply = await session.wait(raise_on_error=False)
        assert isinstance(reply.error, BudgetExhausted)
        assert (reply.steps, len(it.model.requests)) == (2, 2)


async def test_a_budget_that_asks_waits_until_it_is_raised(start: Start) -> None:
    script = [call("look", {"at": "a"}), call("look", {"at": "b"}), say("Done.")]
    async with start(script, limited(steps=1, when_spent="ask")) as it:
        session = await it.holdfast.client.start("helper", "Go")
        view = await status(session, "needs_person")
        assert [(each.id, each.kind) for each in view.inbox] == [("budget-1", "budget")]
        assert "1 of 1 steps" in view.inbox[0].what
        assert len(it.model.requests) == 1
        assert (await raise_budget(it.holdfast, session, steps=1)).budget == Budget(steps=2, when_spent="ask")
        await status(session, "needs_person")
        await raise_budget(it.holdfast, session, steps=5)
        assert (await session.wait()).text == "Done."


async def test_a_budget_that_asks_can_be_given_up_and_the_turn_cancelled(start: Start) -> None:
    async with start(eager, limited(steps=1, when_spent="ask")) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "needs_person")
        assert isinstance(await refused(decide(it.holdfast, session, "budget-1", "retry")), NothingToDo)
        await decide(it.holdfast, session, "budget-1", "give_up")
        assert isinstance((await session.wait(1, raise_on_error=False)).error, BudgetExhausted)
        await session.send("Again", wait=False)
        await status(session, "needs_person")
        assert isinstance((await session.cancel()).error, TurnCancelled)
        assert (await session.view()).inbox == ()


async def test_calls_over_the_budget_are_not_made_and_the_model_answers(start: Start) -> None:
    def script(request: Request) -> Reply:
        three = call("look", {"at": "a"}) + call("look", {"at": "b"}) + call("look", {"at": "c"})
        return three if request.number == 1 else say("What I have.")

    async with start(script, limited(tool_calls=2)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait()).text == "What I have."
        results = [e async for e in session.log() if isinstance(e, ResultEntry)]
        assert [e.status for e in results] == ["ok", "ok", "cancelled"]
        assert "budget of tool calls" in results[2].text
        assert (await session.view()).spending.tool_calls == 2


async def test_calls_that_are_allowed_in_a_paused_session_are_made_when_it_is_resumed(start: Start) -> None:
    script = [call("look", {"at": "a"}) + call("look", {"at": "b"}), say("Done.")]
    async with start(script, limited(tool_calls=1, when_spent="ask")) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "needs_person")
        await session.pause()
        await raise_budget(it.holdfast, session, tool_calls=1)
        assert "look" not in await activities(it, session.id)
        await session.resume()
        assert (await session.wait()).text == "Done."


async def test_inline_calls_count_as_calls(start: Start) -> None:
    script = [call("peek", {"at": "a"}), call("peek", {"at": "b"}), say("Done.")]
    async with start(script, limited(tool_calls=10)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await session.wait(raise_on_error=False)
        assert (await session.view()).spending.tool_calls == 2


async def test_inline_calls_over_the_budget_are_not_made(start: Start) -> None:
    def script(request: Request) -> Reply:
        if request.json.get("tool_choice") == "none":
            return say("What I have.")
        at = f"page {request.number}"
        return call("peek", {"at": at}) + call("peek", {"at": f"{at}, again"})

    async with start(script, limited(tool_calls=3)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait()).text == "What I have."
        results = [e async for e in session.log() if isinstance(e, ResultEntry)]
        assert [e.status for e in results] == ["ok", "ok", "ok", "cancelled"]
        assert (await session.view()).spending.tool_calls == 3


async def test_inline_calls_that_a_person_allows_are_made(start: Start) -> None:
    script = [call("peek", {"at": "a"}) + call("peek", {"at": "b"}), say("Done.")]
    async with start(script, limited(tool_calls=1, when_spent="ask")) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "needs_person")
        await raise_budget(it.holdfast, session, tool_calls=1)
        assert (await session.wait()).text == "Done."
        results = [e async for e in session.log() if isinstance(e, ResultEntry)]
        assert [(e.status, e.text) for e in results] == [("ok", "a: glimpsed"), ("ok", "b: glimpsed")]
        assert (await session.view()).spending.tool_calls == 2


async def test_time_is_over_at_the_next_step(start: Start) -> None:
    script = [call("look", {"at": "a"}).but(delay=0.4), say("In time?")]
    async with start(script, limited(seconds=0.3, when_spent="stop")) as it:
        session = await it.holdfast.client.start("helper", "Go")
        reply = await session.wait(raise_on_error=False)
        assert isinstance(reply.error, BudgetExhausted)
        assert (await session.view()).spending.seconds >= 0.4
        assert len(it.model.requests) == 1


async def test_time_spent_waiting_for_people_does_not_count(start: Start) -> None:
    script = [call("look", {"at": "a"}), say("Done.")]
    app = limited(seconds=600, steps=1, when_spent="ask")
    async with start(script, app, time_skipping=True) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await status(session, "needs_person")
        assert it.holdfast.clock is not None
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        await it.holdfast.clock.fast_forward(handle, 3_600)
        await raise_budget(it.holdfast, session, steps=5)
        assert (await session.wait()).text == "Done."
        view = await session.view()
        assert view.last is not None
        assert view.last.ended - view.last.started > 3_600
        assert view.spending.seconds < 600


async def test_a_limit_that_is_not_set_cannot_be_raised(start: Start) -> None:
    async with start([say("Hi.")], limited(steps=5)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await session.wait(raise_on_error=False)
        holdfast = it.holdfast
        assert "tokens" in str(await refused(raise_budget(holdfast, session, tokens=5)))
        assert isinstance(await refused(raise_budget(holdfast, session)), NothingToDo)
        assert isinstance(await refused(raise_budget(holdfast, session, steps=-1)), BadInput)
        for much in (10**12, 10**308, 10**400):
            assert isinstance(await refused(raise_budget(holdfast, session, steps=much)), BadInput)
        assert (await session.view()).budget == Budget(steps=5)


async def test_limits_and_counts_go_over_a_roll_over(start: Start) -> None:
    raised = asyncio.Event()

    async def script(request: Request) -> Reply:
        await raised.wait()
        return busy(request)

    async with start(script, limited(steps=12)) as it:
        session = await it.holdfast.client.start("helper", "Go", continue_as_new_after=40)
        await raise_budget(it.holdfast, session, steps=3)
        raised.set()
        reply = await session.wait(raise_on_error=False)
        assert (reply.status, reply.steps) == ("done", 15)
        assert (await session.view()).budget == Budget(steps=15)


async def test_a_turn_that_waits_rolls_over_and_waits_on(start: Start) -> None:
    script = [say("Hi."), call("look", {"at": "a"}), say("Done.")]
    async with start(script, limited(steps=1, when_spent="ask")) as it:
        session = await it.holdfast.client.start("helper", "Go", continue_as_new_after=20)
        await session.wait(raise_on_error=False)
        await session.send("And now?", wait=False)
        await status(session, "needs_person")
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        before = (await handle.describe()).run_id
        for _ in range(10):
            if (await handle.describe()).run_id != before:
                break
            await session.steer("hurry")
        assert (await handle.describe()).run_id != before
        await status(session, "needs_person")
        await raise_budget(it.holdfast, session, steps=5)
        assert (await session.wait()).text == "Done."


async def test_a_tenants_budget_cannot_be_raised_by_a_session_and_is_tried_again(start: Start) -> None:
    served = App(
        agents=[Agent("helper", model="openai:scripted", budget=Budget(steps=9, when_spent="ask"))],
        tenants={"acme": TenantLimits(tokens_per_day=1)},
    )
    async with start([say("Never.")], served) as it:
        session = await it.holdfast.client.start("helper", "Go", tenant="acme")
        view = await status(session, "needs_person")
        assert view.inbox[0].what == (
            "0 of 1 tokens of the tenant's budget of today (set by App(tenants={…})) are used; "
            "the next call may need more than is left"
        )
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        timers = [
            event.timer_started_event_attributes.start_to_fire_timeout.seconds
            async for event in handle.fetch_history_events()
            if event.HasField("timer_started_event_attributes")
        ]
        assert timers == [300]
        await decide(it.holdfast, session, "budget-1", "give_up")
        assert isinstance((await session.wait(raise_on_error=False)).error, BudgetExhausted)
        assert len(it.model.requests) == 0
