"""An App whose agents do, and fail in, all that a worker counts."""

from __future__ import annotations

from holdfast import Agent, App, Approvals, Budget, Memory, Permissions, RetryPolicy, ask, tool


@tool(effect="once")
async def pay() -> str:
    """Pay the bill."""
    return "paid"


clerk = Agent("clerk", model="openai:gpt-5-mini", tools=[pay], memory=Memory())
poor = Agent("poor", model="openai:gpt-5-mini", budget=Budget(tokens=1, when_spent="stop"))
stuck = Agent(
    "stuck",
    model="dead:model",
    model_retry=RetryPolicy(attempts=5, first_delay=0.01, max_delay=0.01, adaptive=False),
    max_wait=1.0,
)
patient = Agent(
    "patient",
    model="openai:gpt-5-mini",
    tools=[pay],
    permissions=Permissions(rules=(ask("pay"),)),
    approvals=Approvals(deadline=1),
)
app = App(agents=[clerk, poor, stuck, patient])
