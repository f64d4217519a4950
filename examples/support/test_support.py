"""Tests of the agents with a scripted model and a shop in memory: ``pytest examples/support``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from holdfast.testing import Environment, Reply, Request, ScriptedModel, call, hang, say, unauthorized

from .app import Ticket, app, support, triage
from .orders import Orders, open_orders

Start = Callable[..., AbstractAsyncContextManager[Environment]]


@pytest.fixture
async def orders() -> AsyncGenerator[Orders]:
    async with open_orders(Path(":memory:")) as orders:
        yield orders


async def test_a_refund_gives_the_receipt(holdfast_env: Start, orders: Orders) -> None:
    def script(request: Request) -> Reply:
        last = request.messages[-1]
        if last["role"] == "user":
            return call("refund_order", {"order": "B-1001"})
        return say(f"Done: {last['content']}.")

    async with ScriptedModel(script) as model, holdfast_env(app, model, deps=orders) as holdfast:
        session = await holdfast.client.start(support, "Please refund B-1001.", user="ann")
        reply = await session.wait()
        (effect,) = await session.effects()
        assert reply.text == f"Done: refunded, receipt {await orders.receipt(effect.key)}."


async def test_an_order_of_another_customer_is_not_refunded(holdfast_env: Start, orders: Orders) -> None:
    script = [call("refund_order", {"order": "B-2001"}), say("That is not your order.")]
    async with ScriptedModel(script) as model, holdfast_env(app, model, deps=orders) as holdfast:
        session = await holdfast.client.start(support, "Please refund B-2001.", user="ann")
        assert (await session.wait()).text == "That is not your order."
        (effect,) = await session.effects()
        assert (effect.status, effect.result) == ("failed", "error: The customer has no order B-2001.")


async def test_a_cancelled_turn_returns_reserved_books(holdfast_env: Start, orders: Orders) -> None:
    script = [call("reserve_book", {"title": "Kindred", "copies": 3}), hang()]
    async with ScriptedModel(script) as model, holdfast_env(app, model, deps=orders) as holdfast:
        session = await holdfast.client.start(support, "Three copies of Kindred, please.", user="ben")
        async for event in session.stream():
            if event.kind == "tool_ended":
                assert not await orders.reserve("another", "Kindred", 1)
                await session.cancel("the customer left")
    assert await orders.reserve("yet another", "Kindred", 3)


async def test_a_customer_is_remembered(holdfast_env: Start, orders: Orders) -> None:
    def script(request: Request) -> Reply:
        return say("A paperback." if "never buys hardcovers" in str(request.messages) else "Which edition?")

    async with ScriptedModel(script) as model, holdfast_env(app, model, deps=orders) as holdfast:
        await holdfast.client.memory.add("Ann never buys hardcovers.", scope="user:ann")
        for user, answer in (("ann", "A paperback."), ("ben", "Which edition?")):
            session = await holdfast.client.start(support, "Do I buy hardcovers?", user=user)
            assert (await session.wait()).text == answer


async def test_without_a_model_the_customer_reads_why(holdfast_env: Start, orders: Orders) -> None:
    async with (
        ScriptedModel(lambda _: unauthorized()) as model,
        holdfast_env(app, model, deps=orders) as holdfast,
    ):
        session = await holdfast.client.start(support, "Hello?", user="ann")
        reply = await session.wait(raise_on_error=False)
    assert reply.status == "failed"
    assert reply.text.startswith("We cannot answer at the moment")


async def test_triage_returns_a_ticket(holdfast_env: Start) -> None:
    script = [say('{"topic": "refund", "urgent": true, "summary": "Wants the money back."}')]
    async with ScriptedModel(script) as model, holdfast_env(app, model, deps=None) as holdfast:
        ticket = await holdfast.client.run(triage, "I want my money back!")
    assert ticket == Ticket(topic="refund", urgent=True, summary="Wants the money back.")
