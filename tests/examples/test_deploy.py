"""The deploy example: a session begins with version 1 and continues with version 2."""

from __future__ import annotations

import json
import signal
from contextlib import AbstractAsyncContextManager

from holdfast import connect
from holdfast.testing import Reply, Request, ScriptedModel, call, say, unframed
from holdfast_activities.context.untrusted.frames import RULE
from holdfast_temporal import DevServer
from tests.workers.running import Running, started


def script(request: Request) -> Reply:
    """Call the tool that is offered, and answer with its result."""
    if request.messages[-1]["role"] == "user" and request.tools:
        return call(request.tools[0], {"title": "Kindred"})
    return say(unframed(str(request.messages[-1]["content"])))


def last(model: ScriptedModel) -> tuple[str, str]:
    """The system prompt and the first tool of the last request."""
    body = json.loads(model.requests[-1].body)
    return body["messages"][0]["content"].removesuffix(f"\n\n{RULE}"), body["tools"][0]["function"]["name"]


async def test_a_session_continues_across_a_deploy_with_its_own_instructions_and_tool_names(
    server: DevServer, task_queue: str
) -> None:
    async with ScriptedModel(script) as model:

        def worker(version: str) -> AbstractAsyncContextManager[Running]:
            return started(
                "worker",
                f"examples.deploy.{version}:app",
                temporal_address=server.address,
                task_queue=task_queue,
                providers=json.dumps({"openai": {"kind": "openai", "base_url": model.openai_url}}),
            )

        client = await connect(server.address, task_queue=task_queue)
        async with worker("v1") as old:
            session = await client.start("clerk", "Do you have Kindred?")
            assert (await session.wait()).text == "Kindred: 3 copies"
            async with worker("v2") as new:
                await new.said("worker started")
                old.signal(signal.SIGTERM)
                assert await old.ended() == 0
                assert "in the shop" in (await session.send("And now?")).text
                assert last(model) == ("Answer in one sentence.", "stock")
                await session.repin()
                await session.send("And now?")
                assert last(model) == ("Answer in one sentence, and name the place.", "find_copies")
                assert await client.run("buyer", "What sells?") == "What sells?"
