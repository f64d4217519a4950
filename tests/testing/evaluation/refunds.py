"""An agent that refunds what was paid, and a model that follows its instructions better or worse."""

from __future__ import annotations

import json
import re

from holdfast import Agent, App, tool
from holdfast.testing import Reply, Request, call, say
from holdfast.testing.evaluation import Case, Outcome

GOOD = "Refund exactly what was paid."
WORSE = "Refund what seems fair."

MADE: list[str] = []
"""The calls that were made."""


@tool
async def paid(order: str) -> str:
    """Find what was paid for an order, in cents.

    Args:
        order: The order.
    """
    MADE.append(f"paid {order}")
    return str(100 + int(order))


@tool(effect="once")
async def refund(order: str, cents: int) -> str:
    """Refund an order.

    Args:
        order: The order.
        cents: The amount.
    """
    MADE.append(f"refund {order} {cents}")
    return "refunded"


app = App(agents=[Agent("clerk", model="openai:scripted", instructions=GOOD, tools=[paid, refund])])


def script(request: Request) -> Reply:
    """Look, refund, answer. With the worse instructions every fifth order gets a cent too much."""
    if request.json.get("response_format"):
        good = "1 cent too much" not in str(request.messages[-1]["content"])
        return say(json.dumps({"reason": "as paid" if good else "too much", "score": 1.0 if good else 0.0}))
    at = max(n for n, message in enumerate(request.messages) if message["role"] == "user")
    [order] = re.findall(r"order (\d+)", str(request.messages[at]["content"]))
    results = sum(message["role"] == "tool" for message in request.messages[at:])
    if results == 0:
        return call("paid", {"order": order})
    worse = WORSE in str(request.messages[0]["content"]) and int(order) % 5 == 0
    if results == 1:
        return call("refund", {"order": order, "cents": 100 + int(order) + worse})
    return say(f"Refunded order {order}{', 1 cent too much' if worse else ''}.")


def is_polite(_case: Case, outcome: Outcome) -> tuple[float, str]:
    """Score a reply for its manners."""
    return (1.0, "") if outcome.text.startswith("Refunded") else (0.0, "rude")
