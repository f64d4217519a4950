"""The shape of runs with tickets: one is settled, one fails, and one is open when its turn is cancelled."""

from __future__ import annotations

from holdfast import Agent, App, Ticket, tool
from holdfast.testing import Environment, call, say
from holdfast_client import Session

from ...support import Gate, eventually


@tool(effect="once")
async def render(scene: str) -> Ticket:
    """Render a scene.

    Args:
        scene: What to render.
    """
    return Ticket(what="a rendering", reference=scene)


def with_tickets(_: Gate) -> App:
    """An agent whose tool gives its work to another system."""
    return App(agents=[Agent("helper", model="openai:scripted", tools=[render])])


async def _ticket(session: Session) -> str:
    async def waits() -> bool:
        return bool(await session.tickets())

    await eventually(waits)
    [item] = await session.tickets()
    return item.id


async def ticketed(holdfast: Environment, _: Gate) -> Session:
    """A session whose calls wait for tickets."""
    session = await holdfast.client.start("helper", "Render")
    await session.settle(await _ticket(session), "a picture", by="farm")
    await session.settle(await _ticket(session), "no power", failed=True)
    await _ticket(session)
    await session.cancel("enough")
    await session.close()
    return session


TICKETED = {
    "ticketed": (
        ticketed,
        [call("render", {"scene": scene}) for scene in ("a", "b", "c")] + [say("Done.")],
        with_tickets,
    )
}
