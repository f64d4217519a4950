"""The shapes of runs with several agents: a handoff, whose turn fails and is undone."""

from __future__ import annotations

from holdfast import Agent, App, Handoff, tool
from holdfast.testing import Environment, call, failed, say
from holdfast_client import Session
from holdfast_workflows.contracts.agent.spec import RetryPolicy

from ...support import Gate


def desk(_: Gate) -> App:
    """An agent that books and hands off, and the one that goes on."""

    @tool
    async def unbook(what: str) -> str:
        """Take a booking back.

        Args:
            what: What was booked.
        """
        return f"{what}: free again"

    @tool(effect="idempotent", undo=unbook)
    async def book(what: str) -> str:
        """Book something.

        Args:
            what: What to book.
        """
        return f"{what}: booked"

    once = RetryPolicy(attempts=1)
    triage = Agent("helper", model="openai:scripted", tools=[book, Handoff("billing")])
    return App(agents=[triage, Agent("billing", model="openai:scripted", model_retry=once)])


async def handoff(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start("helper", "Book a room.")
    await session.wait(raise_on_error=False)
    await session.send("And the price?")
    await session.close()
    return session


TEAMED = {
    "handoff": (
        handoff,
        [
            call("book", {"what": "a room"}),
            call("handoff_to_billing", {"reason": "the price"}),
            failed(400),
            say("90 €."),
        ],
        desk,
    ),
}
