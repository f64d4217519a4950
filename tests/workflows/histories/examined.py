"""The shapes of sessions that people look into: a fork, and a session in debug mode."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from holdfast import Agent, App, tool
from holdfast.testing import Environment, Reply, Request, call, say
from holdfast_client import Session

from ...support import Gate, make_app

Drive = Callable[[Environment, Gate], Awaitable[Session]]


def shop(_: Gate) -> App:
    """An agent with an effect that a fork does not repeat."""

    @tool(effect="once")
    async def refund(order: str) -> str:
        """Refund an order.

        Args:
            order: The order.
        """
        return f"refunded {order}"

    return App(agents=[Agent("clerk", model="openai:scripted", tools=[refund])])


def _refunds(request: Request) -> Reply:
    order = "42" if request.results == 0 else "43"
    return call("refund", {"order": order}) if request.results < 2 else say("Refunded.")


async def forked(holdfast: Environment, _: Gate) -> Session:
    """A fork at the second step, whose first call has a recorded result; the second one is new."""
    session = await holdfast.client.start("clerk", "Refund order 42 and 43.")
    await session.wait()
    await session.close()
    fork = await session.fork(2)
    await fork.result()
    return fork


async def debugged(holdfast: Environment, _: Gate) -> Session:
    """A session that is in debug mode during its second turn."""
    session = await holdfast.client.start("helper", "Hello.")
    await session.wait()
    await session.debug(by="ann")
    await session.send("Look.")
    await session.debug_off(by="ann")
    await session.close()
    return session


EXAMINED: dict[str, tuple[Drive, list[Reply] | Callable[[Request], Reply], Callable[[Gate], App]]] = {
    "forked": (forked, _refunds, shop),
    "debugged": (debugged, [say("Hello."), call("look", {"at": "it"}), say("Seen.")], make_app),
}
