"""Who may settle a ticket: the holder of its token, an operator, and for client tools the session's user."""

from __future__ import annotations

import pytest

from holdfast import Agent, App, NotPermitted, SessionNotFound, Ticket, ToolContext, client_tool, tool
from holdfast.testing import call, say

from ...workflows.tickets.test_tickets import ticket_of
from .conftest import Guarding

tokens: list[str] = []


@tool
def pay(amount: int, context: ToolContext) -> Ticket:
    """Order a payment.

    Args:
        amount: How much.
    """
    tokens.append(context.ticket_token)
    return Ticket(reference=str(amount))


@client_tool
def open_file(path: str) -> str:
    """Read a file of the user's machine.

    Args:
        path: Which file.
    """
    raise AssertionError(path)


clerk = App(agents=[Agent("clerk", model="openai:test", tools=[pay, open_file])])


async def test_a_user_does_not_settle_what_another_system_has_to(guarding: Guarding) -> None:
    async with guarding([call("pay", {"amount": 5}), say("Paid.")], clerk) as it:
        session = await (await it.client("ann")).start("clerk", "Pay")
        item = await ticket_of(session)
        with pytest.raises(NotPermitted):
            await session.settle(item.id, "paid")
        with pytest.raises(SessionNotFound):
            await (await it.client("eve")).session(session.id).settle(item.id, "paid", token=tokens[-1])
        # A webhook's server has the credential of a service, and each request has its ticket's token.
        service = (await it.client("backend")).session(session.id)
        with pytest.raises(NotPermitted):
            await service.settle(item.id, "paid")
        await service.settle(item.id, "paid", token=tokens[-1])
        assert (await session.wait()).text == "Paid."


async def test_an_operator_settles_any_ticket_of_its_tenant(guarding: Guarding) -> None:
    async with guarding([call("pay", {"amount": 5}), say("Paid.")], clerk) as it:
        session = await (await it.client("ann")).start("clerk", "Pay")
        item = await ticket_of(session)
        await (await it.client("operator")).session(session.id).settle(item.id, "paid")
        assert (await session.wait()).text == "Paid."


async def test_a_user_settles_the_client_tools_of_its_own_session_only(guarding: Guarding) -> None:
    async with guarding([call("open_file", {"path": "a"}), say("Read.")], clerk) as it:
        session = await (await it.client("ann")).start("clerk", "Read")
        item = await ticket_of(session)
        with pytest.raises(SessionNotFound):
            await (await it.client("bob")).session(session.id).settle(item.id, "bob's text")
        await session.settle(item.id, "its text")
        assert (await session.wait()).text == "Read."
