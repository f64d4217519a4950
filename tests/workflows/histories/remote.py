"""The shape of a run that waits for the task of a remote agent."""

from __future__ import annotations

from holdfast import A2AAgent, Agent, App
from holdfast.testing import Environment, Reply, Request, call, say
from holdfast_client import Session

from ...a2a_servers.remote import remote_agent
from ...activities.tools.mcp.support import free_port
from ...support import Gate, eventually

_PORT = free_port()


def with_remote(_: Gate) -> App:
    """An agent with the remote agent of the tests."""
    remote = A2AAgent("ask_remote", url=f"http://127.0.0.1:{_PORT}")
    return App(agents=[Agent("helper", model="openai:scripted", tools=[remote])])


def _asks(request: Request) -> Reply:
    return call("ask_remote", {"message": "Slow"}) if request.results == 0 else say("Done.")


async def remote(holdfast: Environment, _: Gate) -> Session:
    """A session whose call looks at its task twice."""
    async with remote_agent(_PORT) as agent:
        session = await holdfast.client.start("helper", "Go on")

        async def waits() -> bool:
            return "works on its task" in (await session.view()).waiting_for

        await eventually(waits)
        agent.gate.set()
        await session.wait()
    await session.close()
    return session


REMOTE = {"remote": (remote, _asks, with_remote)}
