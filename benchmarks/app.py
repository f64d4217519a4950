"""The agents that are measured: one with ordinary tools, one with inline tools in bursts of 8."""

from holdfast import Agent, App, tool

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
        Agent("burst", model="openai:bench", instructions="Look.", tools=[peek], max_steps=5_000, burst=8),
    ]
)
