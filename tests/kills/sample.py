"""The App that the killed workers serve."""

from __future__ import annotations

import os

from holdfast import Agent, App, ToolContext, tool
from holdfast_workflows.contracts.agent.spec import RetryPolicy

from . import ledger

_SOON = RetryPolicy(attempts=3, first_delay=0.1, max_delay=0.5)


@tool(effect="idempotent", retries=_SOON)
def post(what: str, ctx: ToolContext) -> str:
    """Post something to the ledger, under the call's key.

    Args:
        what: What to post.
    """
    return ledger.post(os.environ["HOLDFAST_TEST_LEDGER"], ctx.key, what)


@tool(inline=True)
def peek(at: int) -> str:
    """Look at a page.

    Args:
        at: Its number.
    """
    return f"page {at}"


app = App(
    agents=[
        Agent("clerk", model="openai:scripted", tools=[post], model_retry=_SOON),
        Agent("reader", model="openai:scripted", tools=[peek], model_retry=_SOON),
    ]
)
