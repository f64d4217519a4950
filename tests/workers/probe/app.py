"""An App whose agent may pay only with a person's approval."""

from __future__ import annotations

from holdfast import Agent, App, Approvals, Permissions, ask, tool


@tool(effect="once")
async def pay() -> str:
    """Pay the bill."""
    return "paid"


may_pay = Permissions(rules=(ask("pay"),))
clerk = Agent("clerk", model="openai:gpt", tools=[pay], permissions=may_pay)
hurried = Agent(
    "hurried",
    model="openai:gpt",
    tools=[pay],
    permissions=may_pay,
    approvals=Approvals(deadline=1, escalation=(("ann",),), end="cancel"),
)
app = App(agents=[clerk, hurried])
