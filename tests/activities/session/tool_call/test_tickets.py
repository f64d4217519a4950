"""Tickets of calls that must happen once are kept in the ledger."""

from __future__ import annotations

from holdfast import Ticket, ToolContext, tool
from holdfast_activities.signing.keys import SigningKeys
from holdfast_activities.state import State

from .call_runner import CallRunner


async def test_a_call_whose_worker_was_lost_after_its_ticket_is_not_made_again(
    state: State, session: str
) -> None:
    made: list[str] = []

    @tool(effect="once")
    def pay(order: str, context: ToolContext) -> Ticket:
        """Order a payment.

        Args:
            order: Which order.
        """
        made.append(context.ticket_token)
        return Ticket(reference=f"payment of {order}")

    state.keys = state.keys or SigningKeys.new()
    runner = CallRunner(state, session, pay)
    first = await runner.act("pay")
    again = await runner.act("pay", again=True)
    assert first.ticket is not None
    assert (again.ticket, len(made)) == (first.ticket, 1)
    assert (await runner.row()).status == "waiting"


async def test_each_attempt_at_a_call_has_the_same_token(state: State, session: str) -> None:
    tokens: list[str] = []

    @tool(effect="idempotent")
    def pay(order: str, context: ToolContext) -> Ticket:
        """Order a payment.

        Args:
            order: Which order.
        """
        tokens.append(context.ticket_token)
        return Ticket(reference=order)

    state.keys = state.keys or SigningKeys.new()
    runner = CallRunner(state, session, pay)
    await runner.act("pay")
    await runner.act("pay", again=True)
    assert tokens[0] == tokens[1]


async def test_an_undo_cannot_wait_for_a_ticket(state: State, session: str) -> None:
    @tool(effect="idempotent", undo="back")
    def pay(order: str) -> str:
        """Pay."""
        return order

    @tool(effect="idempotent")
    def back(order: str) -> Ticket:
        """Undo."""
        return Ticket(reference=order)

    runner = CallRunner(state, session, pay, back)
    await runner.act("pay")
    undone = await runner.undo("back")
    assert undone.ticket is None
    assert undone.status == "failed"
