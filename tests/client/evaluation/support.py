"""A shop's agent whose refunds are counted outside, and the script of its model."""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast import Agent, App, ToolContext, tool
from holdfast.testing import Reply, Request, call, say


@dataclass
class Outside:
    """What the tools did, each call once."""

    refunds: list[str] = field(default_factory=list[str])
    mails: list[str] = field(default_factory=list[str])
    reads: list[str] = field(default_factory=list[str])


def shop(outside: Outside) -> App:
    """An app with tools of every kind of effect."""

    @tool(effect="once")
    async def refund(order: str, cents: int, ctx: ToolContext) -> str:
        """Refund an order.

        Args:
            order: The order.
            cents: The amount.
        """
        outside.refunds.append(f"{order} {cents} {ctx.session}")
        return f"refunded {cents} cents"

    @tool(effect="idempotent", approval="ask")
    async def mail(text: str) -> str:
        """Mail the customer.

        Args:
            text: The text.
        """
        outside.mails.append(text)
        return "mailed"

    @tool
    async def find(order: str) -> str:
        """Find an order.

        Args:
            order: The order.
        """
        outside.reads.append(order)
        return f"order {order}: paid 500 cents, read {len(outside.reads)}"

    @tool(inline=True)
    async def stock(item: str) -> str:
        """Look at the stock.

        Args:
            item: The item.
        """
        outside.reads.append(item)
        return f"{item}: {len(outside.reads)} left"

    clerk = Agent(
        "clerk", model="openai:careful", instructions="Be careful.", tools=[refund, mail, find, stock]
    )
    return App(agents=[clerk])


def model(request: Request) -> Reply:
    """Find, refund, answer. ``openai:generous`` refunds twice as much, and mails."""
    generous = "generous" in request.model
    if request.results == 0:
        return call("find", {"order": "42"}) + call("stock", {"item": "cup"})
    if request.results == 2:
        return call("refund", {"order": "42", "cents": 1_000 if generous else 500})
    if request.results == 3 and generous:
        return call("mail", {"text": "Sorry!"}) + call("find", {"order": "43"})
    return say("Refunded twice as much." if generous else "Refunded.")
