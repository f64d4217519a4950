"""The shapes of runs that wait for people: an approval over a continue-as-new, and a wait without an answer."""

from __future__ import annotations

from holdfast import Agent, App, Approvals, Budget, tool
from holdfast.testing import Environment, call, say
from holdfast_client import Session

from ...support import Gate, eventually, look


def paying(_: Gate) -> App:
    """An agent whose payments need an approval."""

    @tool(effect="once", approval="ask")
    async def pay(cents: int) -> str:
        """Pay.

        Args:
            cents: How much.
        """
        return f"paid {cents}"

    return App(agents=[Agent("helper", model="openai:scripted", tools=[pay, look])])


def limited(_: Gate) -> App:
    """An agent that asks for more budget, and reminds once."""
    policy = Approvals(deadline=2, reminders=(1,), escalation=(("ann",),))
    budget = Budget(steps=1, when_spent="ask")
    return App(
        agents=[Agent("helper", model="openai:scripted", tools=[look], budget=budget, approvals=policy)]
    )


async def approved(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start("helper", "Pay.", continue_as_new_after=60)
    handle = holdfast.temporal.get_workflow_handle(session.id)

    async def waits() -> bool:
        return bool((await session.view()).inbox)

    await eventually(waits)
    run = (await handle.describe()).run_id
    for _more in range(15):
        await session.steer("Go on.")

    async def continued() -> bool:
        return (await handle.describe()).run_id != run and await waits()

    await eventually(continued)
    await session.delegate("approval-3", "ann")
    await session.approve("approval-3", arguments={"cents": 60}, by="Ann")
    await session.wait()
    await session.close()
    return session


async def unanswered(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start("helper", "Look.")
    await session.wait(raise_on_error=False)
    await session.close()
    return session


_PAYS = call("pay", {"cents": 100}) + call("look", {"at": "it"})

APPROVED = {
    "approved": (approved, [_PAYS, say("Done.")], paying),
    "unanswered": (unanswered, [call("look", {"at": "it"}), say("Done.")], limited),
}
