"""The shape of a session that waits for a place of an agent, and then runs."""

from __future__ import annotations

from holdfast import Agent, App, Route, Routing
from holdfast.testing import Environment, Reply, Request, call, say
from holdfast_client import Session

from ...support import Gate, eventually, make_app

_ROUTE = Route(capabilities=("help",))


def _with_routing(gate: Gate) -> App:
    [helper] = make_app(gate).agents.values()
    tools = [tool for name, tool in helper.tools.items() if name == "hold"]
    routing = Routing(capabilities=_ROUTE.capabilities, max_sessions=1)
    return App(agents=[Agent("helper", model="openai:scripted", tools=tools, routing=routing)])


def _holds(request: Request) -> Reply:
    return call("hold", {"name": "one"}) if request.results == 0 else say("Done.")


async def routed(holdfast: Environment, gate: Gate) -> Session:
    """A session that waits until another one has ended."""
    first = await holdfast.client.start_task(_ROUTE, "Hold.")
    await gate.arrived()
    second = await holdfast.client.start_task(_ROUTE, "Hold, too.")

    async def waits() -> bool:
        return (await second.view()).status == "waiting"

    await eventually(waits)
    gate.opened.set()
    await first.result()
    return second


ROUTED = {"routed": (routed, _holds, _with_routing)}
