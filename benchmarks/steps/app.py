"""The agents that are measured: one with ordinary tools, one with up to 8 inline steps.

Each has a guarded twin: with budgets of the run and its tenant, rate limits of the tenant and the provider,
cached replies, and a tool with an effect. The limits are never reached; the cost of checking them is measured.
"""

from holdfast import Agent, App, Budget, CachedReply, TenantLimits, tool

FAR = 10**9
TENANT = "guarded"
PRICES = '{"limited:bench": {"input": 1, "output": 10}}'
"""HOLDFAST_PRICES, without which budgets in dollars refuse the model."""

BUDGET = Budget(tokens=FAR, dollars=1e6, steps=FAR, tool_calls=FAR, seconds=1e8)

RESULT = "r" * 1_000
LARGE = "r" * 100_000


@tool(name="look")
async def look(n: int) -> str:
    """Look at page n.

    Args:
        n: The page.
    """
    return RESULT


@tool(name="peek", inline=True)
async def peek(n: int) -> str:
    """Look at page n.

    Args:
        n: The page.
    """
    return RESULT


@tool(name="keep", effect="idempotent")
async def keep(n: int) -> str:
    """Keep page n.

    Args:
        n: The page.
    """
    return RESULT


@tool(name="scan")
async def scan(n: int) -> str:
    """Read page n, which is long.

    Args:
        n: The page.
    """
    return LARGE


app = App(
    agents=[
        Agent("ordinary", model="openai:bench", instructions="Look.", tools=[look, scan], max_steps=5_000),
        Agent(
            "inline",
            model="openai:bench",
            instructions="Look.",
            tools=[peek],
            max_steps=5_000,
            max_inline_steps=8,
        ),
        Agent(
            "ordinary-guarded",
            model="limited:bench",
            instructions="Look.",
            tools=[keep],
            max_steps=5_000,
            budget=BUDGET,
            fallbacks=[CachedReply()],
        ),
        Agent(
            "inline-guarded",
            model="limited:bench",
            instructions="Look.",
            tools=[peek],
            max_steps=5_000,
            max_inline_steps=8,
            budget=BUDGET,
            fallbacks=[CachedReply()],
        ),
    ],
    tenants={
        TENANT: TenantLimits(
            tokens_per_day=FAR, dollars_per_day=1e6, requests_per_minute=FAR, tokens_per_minute=FAR
        )
    },
)
