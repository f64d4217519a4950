"""An App for workers whose clocks are wrong."""

from __future__ import annotations

import os

from holdfast import Agent, App, TenantLimits, ToolContext, tool
from holdfast_workflows.contracts.agent.spec import RetryPolicy

from .careful import pay

_SOON = RetryPolicy(attempts=6, first_delay=0.1, max_delay=0.2, adaptive=False)
FAILS = f"fails_{os.environ.get('HOLDFAST_TASK_QUEUE', '')[-12:]}".replace("-", "_")
"""The tool's name, different for each test because their breakers share a database."""


@tool(name=FAILS, retries=_SOON)
async def fails(what: str, ctx: ToolContext) -> str:
    """Fail to connect.

    Args:
        what: What for.
    """
    raise ConnectionError(what)


app = App(
    agents=[Agent("clerk", model="openai:scripted", tools=[pay, fails], model_retry=_SOON)],
    tenants={"*": TenantLimits(tokens_per_day=1_000_000)},
)
