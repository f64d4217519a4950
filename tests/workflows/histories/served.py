"""The shape of a session whose agent has a service, and whose tool's service has a worker only in the second turn."""

from __future__ import annotations

from holdfast import Agent, App, tool
from holdfast.testing import Environment, call, say
from holdfast_client import Session
from holdfast_workflows.contracts.limits import QUEUE_NOTICE

from ...support import Gate


def _services(_: Gate) -> App:
    @tool(queue="search", queue_timeout=QUEUE_NOTICE + 1)
    async def search() -> str:
        """Search."""
        return "found"

    return App(agents=[Agent("helper", model="openai:scripted", tools=[search], queue="research")])


async def unserved(holdfast: Environment, _: Gate) -> Session:
    async with holdfast.worker(queues="research"):
        session = await holdfast.client.start("helper", "Search.")
        await session.wait()
        async with holdfast.worker(queues="search"):
            await session.send("Search again.")
        await session.close()
    return session


SERVED = {"unserved": (unserved, [call("search"), say("Nothing."), call("search"), say("Found.")], _services)}
