"""Budgets, effects and breakers through the client."""

from __future__ import annotations

import asyncio
import math

import pytest

from holdfast.testing import Environment, call, say, unauthorized
from holdfast_client import BudgetChanged, Decided, NeedsPerson, Session, TurnEnded, sync
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts.agent.budget import Budget
from holdfast_workflows.contracts.errors import (
    BadInput,
    BreakerUnknown,
    ModelRejected,
    NothingToDo,
    SessionNotFound,
)

from ...support import always, eventually
from ..conftest import Running

POST = [call("post", {"what": "it"}), say("Done.")]
LOOKING = [call("look", {"at": "one"}), call("look", {"at": "two"}), say("Seen.")]
TWO_STEPS = Budget(steps=2, when_spent="ask")


async def first_decision(session: Session) -> NeedsPerson:
    """Return the first pending decision of a session's stream."""
    async with asyncio.timeout(30):
        async for event in session.stream():
            if isinstance(event, NeedsPerson):
                return event
    raise AssertionError("the session did not wait for a decision")


async def test_an_unknown_effect_is_listed_streamed_and_confirmed(running: Running) -> None:
    async with running(list(POST)) as holdfast:
        session = await holdfast.client.start("poster", "Post it.")
        waits = await first_decision(session)
        (unknown,) = await holdfast.client.effects(status="unknown")
        assert (f"effect-{unknown.seq}", unknown.session) == (waits.item_id, session.id)
        assert waits.about == "effect"
        await session.answer(waits.item_id, "confirm", text="posted by hand", by="Ann")
        async with asyncio.timeout(30):
            events = [event async for event in session.stream()]
        assert isinstance(events[-1], TurnEnded)
        assert events[-1].reply.text == "Done."
        assert [(e.item_id, e.action, e.by) for e in events if isinstance(e, Decided)] == [
            (waits.item_id, "confirm", "Ann")
        ]
        (effect,) = await session.effects()
        assert (effect.status, effect.by, effect.result) == ("settled", "person: Ann", "posted by hand")
        assert await holdfast.client.effects(status="unknown") == ()
        with pytest.raises(NothingToDo):
            await session.answer(waits.item_id, "retry")


@pytest.mark.parametrize("over", ["cancelled", "ended", "deleted"])
async def test_an_unknown_effect_is_confirmed_after_its_turn(running: Running, over: str) -> None:
    async with running(list(POST)) as holdfast:
        session = await holdfast.client.start("poster", "Post it.")
        waits = await first_decision(session)
        if over == "cancelled":
            assert (await session.cancel()).status == "cancelled"
        else:
            handle = holdfast.temporal.get_workflow_handle(session.id)
            await handle.terminate()
            if over == "deleted":
                await delete(holdfast, session.id)
        (unknown,) = await holdfast.client.effects(status="unknown")
        with pytest.raises(NothingToDo, match="it would not run again"):
            await session.answer(unknown.key, "retry")
        view = await session.answer(waits.item_id, "confirm", text="posted, it turned out", by="Ann")
        assert (view is None) == (over == "deleted")
        (effect,) = await session.effects()
        assert (effect.status, effect.by, effect.result) == (
            "settled",
            "person: Ann",
            "posted, it turned out",
        )
        assert effect.settled > unknown.claimed
        with pytest.raises(NothingToDo, match="settled by person: Ann"):
            await session.answer(unknown.key, "give_up")
        assert await holdfast.client.effects(status="unknown") == ()


async def delete(holdfast: Environment, session: str) -> None:
    """Delete a session's histories, as the server does at the end of their retention."""
    requests = Requests(holdfast.temporal, holdfast.task_queue, 20.0)

    async def gone() -> bool:
        try:
            await requests.describe(session)
        except SessionNotFound:
            return True
        return False

    await requests.delete(session)
    await eventually(gone)


async def test_a_late_stream_gets_the_pending_decision(running: Running) -> None:
    async with running(list(POST)) as holdfast:
        session = await holdfast.client.start("poster", "Post it.")
        first = await first_decision(session)
        later = await first_decision(holdfast.client.session(session.id))
        assert later == first.model_copy(update={"id": later.id})
        await session.answer(first.item_id, "retry")
        assert (await session.wait()).text == "Done."


async def test_a_run_continues_when_its_budget_is_raised(running: Running) -> None:
    async with running(list(LOOKING)) as holdfast:
        session = await holdfast.client.start_task("helper", "Look twice.", budget=TWO_STEPS)
        assert (await first_decision(session)).about == "budget"
        view = await session.view()
        assert (view.status, view.budget, view.spending.steps) == ("needs_person", TWO_STEPS, 2)
        with pytest.raises(BadInput, match="tokens"):
            await session.raise_budget(tokens=5)
        with pytest.raises(BadInput):
            await session.raise_budget(steps=-1)
        with pytest.raises(BadInput):
            await session.raise_budget(dollars=math.inf)
        assert (await session.raise_budget(steps=3)).budget == TWO_STEPS.model_copy(update={"steps": 5})
        events = [event async for event in session.stream()]
        assert [event.raised for event in events if isinstance(event, BudgetChanged)] == [True]
        assert (await session.result()).text == "Seen."


@pytest.mark.parametrize(
    "budget",
    [
        Budget(),
        Budget(steps=0),
        Budget(dollars=-1.0),
        Budget(steps=3, when_spent="degrade"),
        Budget(steps=3, cheaper="openai:small"),
    ],
)
async def test_an_invalid_budget_is_refused(running: Running, budget: Budget) -> None:
    async with running([], worker=False) as holdfast:
        with pytest.raises(BadInput, match="budget"):
            await holdfast.client.start("helper", "Hi!", budget=budget)


async def test_the_use_of_a_run_is_on_its_account(running: Running) -> None:
    async with running(always(say("Hello."))) as holdfast:
        session = await holdfast.client.start("helper", "Hi!", budget=Budget(tokens=1_000_000))
        used = (await session.wait(raise_on_error=False)).usage
        (account,) = await holdfast.client.budgets(prefix=f"run:{session.id}")
        assert account.tokens == used.input_tokens + used.output_tokens
        assert account.tokens_limit == 1_000_000
        assert await holdfast.client.budgets(prefix="run:nothing") == ()


async def test_a_breaker_is_opened_and_closed_manually(running: Running) -> None:
    async with running([]) as holdfast:
        client = holdfast.client
        opened = await client.set_breaker("tool:look", "open", seconds=600, reason="it lies")
        assert (opened.state, opened.manual, opened.reason) == ("open", True, "it lies")
        assert [(each.name, each.state) for each in await client.breakers()] == [("tool:look", "open")]
        assert (await client.set_breaker("tool:look", "closed")).state == "closed"
        with pytest.raises(BreakerUnknown):
            await client.set_breaker("look", "open")
        # A date out of range could not be printed.
        for seconds in (0, 1e18, math.inf, math.nan):
            with pytest.raises(BadInput, match="seconds"):
                await client.set_breaker("tool:look", "open", seconds=seconds)


async def test_a_failed_turn_has_an_id_to_quote(running: Running) -> None:
    async with running(always(unauthorized())) as holdfast:
        session = await holdfast.client.start("helper", "Hi!")
        error = (await session.wait(raise_on_error=False)).error
        assert isinstance(error, ModelRejected)
        assert error.id
        assert (error.retryable, error.retry_after) == (False, None)
        with pytest.raises(ModelRejected) as failed:
            await holdfast.client.run("helper", "Hi!")
        assert failed.value.id not in {"", error.id}


async def test_the_sync_client_resolves_decisions(running: Running) -> None:
    async with running([*POST, say("Bye.")]) as holdfast:
        session = await holdfast.client.start("poster", "Post it.", budget=Budget(steps=9))
        await first_decision(session)

        def decide() -> str:
            address = holdfast.temporal.service_client.config.target_host
            with sync.connect(address, task_queue=holdfast.task_queue) as client:
                (unknown,) = client.effects(status="unknown")
                found = client.session(session.id)
                assert found.effects() == (unknown,)
                found.raise_budget(steps=1)
                found.answer(unknown.key, "give_up")
                client.set_breaker("tool:post", "open")
                assert [each.name for each in client.breakers()] == ["tool:post"]
                client.set_breaker("tool:post", "closed")
                assert client.budgets() == ()
                return str(found.wait(raise_on_error=False))

        assert await asyncio.to_thread(decide) == "Done."
        assert (await session.effects())[0].status == "given_up"
        assert (await session.view()).budget == Budget(steps=10)
