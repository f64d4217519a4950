"""What the agent can do. The customer is always ``ctx.user``, never a name that the model chooses."""

from __future__ import annotations

from holdfast import EffectUnknown, ToolContext, ToolError, tool

from .orders import Order, Orders

HELP = {
    "delivery": "Delivery takes two working days and costs 3.50 €.",
    "returns": "Books can be returned within 30 days. The refund arrives within a week.",
    "gift": "We wrap gifts for 2 €.",
}


@tool(inline=True)
def search_help(topic: str) -> str:
    """Read the shop's help pages.

    Args:
        topic: A word, such as delivery, returns or gift.
    """
    found = [text for word, text in HELP.items() if word in topic.lower()]
    return " ".join(found) or f"No page about that. Topics: {', '.join(HELP)}."


@tool
async def find_orders(ctx: ToolContext[Orders]) -> list[Order]:
    """The customer's orders, with prices in cents."""
    return await ctx.deps.of(ctx.user)


@tool(effect="idempotent")
async def change_address(order: str, address: str, ctx: ToolContext[Orders]) -> str:
    """Change the address an order is delivered to.

    Args:
        order: The order's number, such as B-1001.
        address: Street and number.
    """
    if not await ctx.deps.set_address(order, ctx.user, address):
        raise ToolError(f"The customer has no order {order}.")
    return f"{order} goes to {address}."


@tool
async def release_book(title: str, copies: int, ctx: ToolContext[Orders]) -> str:
    await ctx.deps.reserve(ctx.key, title, -copies)
    return f"{copies} × {title} returned to the stock"


@tool(effect="idempotent", undo=release_book)
async def reserve_book(title: str, copies: int, ctx: ToolContext[Orders]) -> str:
    """Reserve copies of a book for the customer.

    Args:
        title: The full title.
        copies: How many.
    """
    if not await ctx.deps.reserve(ctx.key, title, copies):
        raise ToolError(f"Fewer than {copies} copies of {title!r} are in stock.")
    return f"{copies} × {title} reserved"


async def find_refund(ctx: ToolContext[Orders]) -> str | None:
    """The probe: did the refund with this key happen?"""
    receipt = await ctx.deps.receipt(ctx.key)
    return receipt and f"refunded, receipt {receipt}"


@tool(effect="once", timeout=5, probe=find_refund, trusted=True)
async def refund_order(order: str, ctx: ToolContext[Orders]) -> str:
    """Refund an order in full.

    Args:
        order: The order's number, such as B-1001.
    """
    cents = {each.id: each.cents for each in await ctx.deps.of(ctx.user)}.get(order)
    if cents is None:
        raise ToolError(f"The customer has no order {order}.")
    try:
        receipt = await ctx.deps.refund(ctx.key, order, cents)
    except ConnectionError as error:
        raise EffectUnknown("the bank closed the connection after the request was sent") from error
    return f"refunded, receipt {receipt}"


@tool(effect="once", timeout=10)
async def email_customer(subject: str, body: str, ctx: ToolContext[Orders]) -> str:
    """Send the customer an e-mail.

    Args:
        subject: The subject.
        body: The text.
    """
    await ctx.deps.mail(ctx.user, subject, body)
    return "sent"
