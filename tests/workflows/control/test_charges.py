"""Budgets in tokens and dollars, as a turn meets them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from holdfast import Agent, App, Budget, TenantLimits
from holdfast.testing import Reply, Request, call, say
from holdfast_activities.state.log.extras import Amount, Charge, Limit
from holdfast_client import TextDelta
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.fallbacks import ErrorReply
from holdfast_workflows.contracts.errors import BudgetExhausted
from holdfast_workflows.contracts.operations.breakers import BreakerView

from ...support import eventually, look, peek
from ..conftest import Start
from ..limited import events, status

READ, WRITTEN = 300, 100


def app(budget: Budget | None = None, tenants: dict[str, TenantLimits] | None = None, most: int = 400) -> App:
    agent = Agent(
        "helper",
        model="openai:a",
        instructions="Help.",
        tools=[look, peek],
        max_tokens=most,
        budget=budget,
    )
    return App(agents=[agent], tenants=tenants or {})


def endless(request: Request) -> Reply:
    """A model that looks on and on, until it may only answer."""
    if request.json.get("tool_choice") == "none":
        return say("What I have.", input_tokens=READ, output_tokens=20)
    at = {"at": f"place {request.results}"}
    return call("look", at).but(input_tokens=READ, output_tokens=WRITTEN)


async def test_a_run_at_the_end_of_its_tokens_answers_with_what_it_has(start: Start) -> None:
    budget = Budget(tokens=4_000)
    async with start(endless, app(budget)) as it:
        session = await it.holdfast.client.start("helper", "Look around.")
        reply = await session.wait(raise_on_error=False)
        (account,) = await it.holdfast.client.budgets(prefix=names.run_account(session.id))
    assert (reply.status, reply.text) == ("done", "What I have.")
    assert account.tokens == reply.usage.input_tokens + reply.usage.output_tokens
    assert account.tokens <= 4_000
    assert account.held_tokens == 0


async def test_a_run_that_is_to_stop_fails_with_what_it_used(start: Start) -> None:
    async with start(endless, app(Budget(tokens=4_000, when_spent="stop"))) as it:
        reply = await (await it.holdfast.client.start("helper", "Look around.")).wait(raise_on_error=False)
    assert isinstance(reply.error, BudgetExhausted)
    assert reply.steps > 1


async def test_a_run_that_asks_goes_on_when_its_budget_is_raised(start: Start) -> None:
    def script(request: Request) -> Reply:
        return say("Found.", input_tokens=READ) if request.results >= 12 else endless(request)

    async with start(script, app(Budget(tokens=3_000, when_spent="ask"))) as it:
        session = await it.holdfast.client.start("helper", "Look around.")

        async def asks() -> bool:
            return (await session.view()).status == "needs_person"

        await eventually(asks)
        await session.raise_budget(tokens=10_000)
        reply = await session.wait(raise_on_error=False)
    assert (reply.status, reply.text) == ("done", "Found.")


async def test_a_sum_of_dollars_that_is_no_round_figure_is_asked_for_once(start: Start) -> None:
    budget = Budget(dollars=0.1, when_spent="ask")
    agent = Agent("helper", model="openai:gpt-5", tools=[look], max_tokens=400, budget=budget)
    # The step costs half a dollar, which only shows afterwards.
    dear = call("look", {"at": "it"}).but(input_tokens=400_000)
    async with start([dear, say("Done.")], App(agents=[agent])) as it:
        session = await it.holdfast.client.start("helper", "Look around.")

        async def asked() -> int:
            return len(await events(session, "needs_person"))

        async def asked_again() -> bool:
            return await asked() > 1

        await status(session, "needs_person")
        assert ((await session.raise_budget(dollars=0.2)).budget or Budget()).dollars == 0.1 + 0.2
        await eventually(asked_again)
        await session.raise_budget(dollars=5.0)
        assert (await session.wait()).text == "Done."
        assert await asked() == 2


async def test_a_degraded_run_goes_on_with_the_cheaper_model(start: Start) -> None:
    def script(request: Request) -> Reply:
        if request.model == "small":
            return say("Done, cheaply.", input_tokens=READ, output_tokens=20)
        return endless(request)

    budget = Budget(dollars=0.01, when_spent="degrade", cheaper="openai:small")
    agent = Agent("helper", model="openai:gpt-5", tools=[look], max_tokens=400, budget=budget)
    prices = '{"openai:small": {"input": 0.01, "output": 0.01}}'
    async with start(script, App(agents=[agent]), prices=prices) as it:
        reply = await (await it.holdfast.client.start("helper", "Look around.")).wait(raise_on_error=False)
    assert (reply.status, reply.text) == ("done", "Done, cheaply.")


async def test_inline_tools_are_charged_step_by_step(start: Start) -> None:
    def script(request: Request) -> Reply:
        if request.results >= 5:
            return say("Seen.", input_tokens=READ, output_tokens=WRITTEN)
        return call("peek", {"at": f"{request.results}"}).but(input_tokens=READ, output_tokens=WRITTEN)

    async with start(script, app(Budget(tokens=100_000))) as it:
        session = await it.holdfast.client.start("helper", "Look around.")
        reply = await session.wait(raise_on_error=False)
        (account,) = await it.holdfast.client.budgets(prefix=names.run_account(session.id))
    assert reply.steps == 6
    assert (account.tokens, account.held_tokens) == (6 * (READ + WRITTEN), 0)


async def test_runs_of_one_tenant_cannot_overspend_its_day_together(start: Start) -> None:
    limit = 12_000

    def script(request: Request) -> Reply:
        if request.json.get("tool_choice") == "none" or request.results >= 3:
            return say("Done.", input_tokens=READ, output_tokens=WRITTEN)
        return call("look", {"at": f"{request.results}"}).but(input_tokens=READ, output_tokens=WRITTEN)

    async with start(script, app(tenants={"acme": TenantLimits(tokens_per_day=limit)})) as it:
        runs = [it.holdfast.client.start("helper", f"Look {n}.", tenant="acme") for n in range(20)]
        replies = [await session.wait(raise_on_error=False) for session in await asyncio.gather(*runs)]
        days = await it.holdfast.client.budgets(prefix="tenant:acme")
        await it.holdfast.client.start("helper", "Look.", tenant="brick")
    used = sum(reply.usage.input_tokens + reply.usage.output_tokens for reply in replies)
    assert sum(day.tokens for day in days) == used  # of two days, if it became midnight meanwhile
    assert all(day.tokens <= limit for day in days)
    assert any(isinstance(reply.error, BudgetExhausted) for reply in replies)


async def test_a_turn_that_is_cancelled_gives_its_reservation_back(start: Start) -> None:
    entered = asyncio.Event()

    def script(request: Request) -> Reply:
        entered.set()
        return say("Too late.").but(delay=20)

    async with start(script, app(Budget(tokens=10_000))) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        async with asyncio.timeout(60):
            await entered.wait()
        await session.cancel()
        (account,) = await it.holdfast.client.budgets(prefix=names.run_account(session.id))
    assert (account.tokens, account.held_tokens) == (0, 0)


async def test_a_reply_that_is_cancelled_while_it_streams_is_charged_by_its_size(start: Start) -> None:
    story = say("word " * 2_000, pace=0.02)
    async with start([story], app(Budget(tokens=10_000))) as it:
        session = await it.holdfast.client.start("helper", "word " * 800, streaming=True)
        async for event in session.stream():
            if isinstance(event, TextDelta):
                await session.cancel()
                break
        reply = await session.wait(raise_on_error=False)
        (account,) = await it.holdfast.client.budgets(prefix=names.run_account(session.id))
    assert reply.status == "cancelled"
    assert reply.usage.input_tokens == len(it.model.requests[0].body) // 4 > 1_000
    assert 0 < reply.usage.output_tokens < 2_600
    assert account.tokens == reply.usage.input_tokens + reply.usage.output_tokens
    assert account.held_tokens == 0


async def test_replies_that_break_off_use_up_a_budget(start: Start) -> None:
    def script(request: Request) -> Reply:
        return say("word " * 400, cut_at=4_000)

    async with start(script, app(Budget(tokens=6_000, when_spent="stop"))) as it:
        session = await it.holdfast.client.start("helper", "word " * 1_600, streaming=True)
        reply = await session.wait(raise_on_error=False)
        (account,) = await it.holdfast.client.budgets(prefix=names.run_account(session.id))
    assert isinstance(reply.error, BudgetExhausted)
    assert len(it.model.requests) in (1, 2)
    assert account.tokens >= len(it.model.requests) * 2_000


async def test_a_budget_binds_where_the_provider_counts_nothing(start: Start) -> None:
    def script(request: Request) -> Reply:
        return endless(request).but(input_tokens=0, output_tokens=0)

    async with start(script, app(Budget(tokens=8_000))) as it:
        reply = await (await it.holdfast.client.start("helper", "word " * 400)).wait(raise_on_error=False)
    assert 2 < reply.steps < 15
    assert (reply.status, reply.text) == ("done", "What I have.")


async def test_a_run_with_last_resorts_waits_for_what_others_have_reserved(start: Start) -> None:
    """What is reserved comes back in a moment, and no last resort is for the end of a budget."""

    def script(request: Request) -> Reply:
        return say("Done.", input_tokens=READ, output_tokens=20)

    agent = Agent(
        "helper", model="openai:a", tools=[look], max_tokens=400, fallbacks=[ErrorReply(text="No.")]
    )
    served = App(agents=[agent], tenants={"acme": TenantLimits(tokens_per_day=5_000)})
    async with start(script, served) as it:
        today = datetime.now(UTC)
        accounts = {  # it may become midnight
            names.tenant_account("acme", day.date().isoformat()): Limit(tokens=5_000)
            for day in (today, today + timedelta(days=1))
        }
        others = Charge("another", accounts, reservation=Amount(tokens=4_900), until=time.time() + 600)
        await it.holdfast.state.budgets.charge(others)
        session = await it.holdfast.client.start("helper", "Hi", tenant="acme")

        async def is_waiting() -> bool:
            return bool(await events(session, "waiting")) or (await session.view()).status == "idle"

        await eventually(is_waiting)
        await it.holdfast.state.budgets.charge(replace(others, reservation=Amount()))
        assert (await session.wait()).text == "Done."


async def test_a_run_that_waits_holds_nothing_of_its_budget(start: Start) -> None:
    """With what it held, others of its tenant may go on meanwhile."""
    async with start(endless, app(Budget(tokens=50_000))) as it:
        circuit = it.holdfast.state.breakers
        session = await it.holdfast.client.start("helper", "Look around.")

        async def begun() -> bool:
            return (await session.view()).step > 0

        await eventually(begun)
        view = BreakerView(name="provider:openai", state="open", until=time.time() + 600, manual=True)
        await circuit.set(view)
        await status(session, "waiting")
        (account,) = await it.holdfast.client.budgets(prefix=names.run_account(session.id))
        await session.cancel()
    assert account.tokens > 0
    assert account.held_tokens == 0


async def test_a_last_reply_that_the_budget_cuts_short_is_the_answer(start: Start) -> None:
    def script(request: Request) -> Reply:
        if request.json.get("tool_choice") == "none":
            return say("What I ha", finish="length", input_tokens=READ, output_tokens=20)
        return endless(request)

    async with start(script, app(Budget(tokens=4_000))) as it:
        reply = await (await it.holdfast.client.start("helper", "Look around.")).wait(raise_on_error=False)
    assert (reply.status, reply.text) == ("done", "What I ha")
