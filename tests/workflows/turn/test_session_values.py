"""Tools of a session keep values from one call to the next, inline or in an activity of their own."""

from __future__ import annotations

import pytest

from holdfast import Agent, App, ToolContext, tool
from holdfast.testing import Reply, Request, call, say

from ..conftest import Start


@pytest.mark.parametrize("inline", [False, True])
async def test_a_value_is_there_in_the_next_turn(start: Start, inline: bool) -> None:
    @tool(inline=inline)
    async def count(ctx: ToolContext) -> str:
        """Count."""
        return str(await ctx.state.update("n", lambda n: n + 1, default=0))

    def script(request: Request) -> Reply:
        last = request.messages[-1]
        if last["role"] != "tool":
            return call("count", {}) + call("count", {})
        return say("counted")

    async with start(script, App(agents=[Agent("helper", model="openai:a", tools=[count])])) as it:
        session = await it.holdfast.client.start("helper", "Count twice.")
        await session.wait()
        await session.send("Twice more.")
        await session.wait()
        [entry] = await it.holdfast.state.boards.entries(f"values:{session.id}")
        assert (entry.key, entry.version) == ("n", 4)
