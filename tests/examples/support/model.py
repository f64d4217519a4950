"""What the scripted model of the support example answers."""

from __future__ import annotations

from holdfast.testing import Reply, Request, call, say

ANSWER = (
    "I have refunded The Left Hand of Darkness in full. You find the receipt above, and the amount will be in"
    " your account within a week. Is there anything else that I can do for you today?"
)
TICKET = '{"topic": "refund", "urgent": true, "summary": "Wants a refund for B-1001."}'


def script(request: Request) -> Reply:
    """Sort a message, or look the orders up, refund B-1001 and say so slowly."""
    if not request.tools:  # the triage agent, or the extraction of facts after a turn
        return say(TICKET if "Sort the message" in str(request.messages[0]) else '{"facts": []}')
    last = request.messages[-1]
    if last["role"] == "user":
        return say("I look at your orders.") + call("find_orders")
    if "B-1001" in str(last["content"]):
        return call("refund_order", {"order": "B-1001"})
    return say(ANSWER, pace=0.05)
