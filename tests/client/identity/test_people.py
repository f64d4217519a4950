"""People who act on sessions: each only on what is theirs, and recorded in the right tenant."""

from __future__ import annotations

import pytest

from holdfast import Agent, App, Approvals, NothingToDo, NotPermitted, tool
from holdfast.testing import call, say
from holdfast_workflows.contracts.control.audit import AuditRecord

from ...support import Gate, always, eventually, make_app
from .conftest import Guarded, Guarding


async def recorded(it: Guarded, tenant: str) -> list[AuditRecord]:
    rows = await it.environment.state.audit.rows(tenant)
    return [AuditRecord.model_validate_json(row.body) for row in rows]


async def test_only_those_who_have_a_session_and_operators_give_it_back(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        session = await (await it.client("ann")).start("helper", "Hi")
        await session.wait()
        operator = (await it.client("operator")).session(session.id)
        approver = (await it.client("approver")).session(session.id)
        await operator.hand_over("a refund", to="boss")
        with pytest.raises(NotPermitted, match="boss"):
            await approver.give_back("Pay them.")
        await operator.give_back()
        await operator.hand_over()
        await approver.give_back()


async def test_handovers_are_recorded_in_the_tenant_of_the_credential(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        session = await (await it.client("ann")).start("helper", "Hi")
        await session.wait()
        operator = (await it.client("operator")).session(session.id)
        await operator.hand_over("a refund", to="boss")
        await operator.give_back("Done.")

        async def written() -> bool:
            return len(await recorded(it, "acme")) == 2

        await eventually(written)
        found = [(each.action, each.principal, each.reason) for each in await recorded(it, "acme")]
        assert found == [("handed_over", "operator", "a refund"), ("given_back", "operator", "")]
        assert await recorded(it, "") == []


async def test_only_operators_settle_effects_for_which_no_turn_waits(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        session = await (await it.client("ann")).start("helper", "Hi")
        await session.wait()
        with pytest.raises(NotPermitted):
            await (await it.client("approver")).session(session.id).answer("effect-3", "give_up")
        with pytest.raises(NothingToDo):
            await (await it.client("operator")).session(session.id).answer("effect-3", "give_up")


async def test_who_steered_a_turn_is_not_the_second_person_for_its_calls(guarding: Guarding) -> None:
    paid: list[int] = []
    gate = Gate()

    @tool(approval="ask")
    async def pay(cents: int) -> str:
        """Pay."""
        paid.append(cents)
        return "paid"

    hold = make_app(gate).agents["helper"].tools["hold"]
    agent = Agent(
        "payer", model="openai:scripted", tools=[hold, pay], approvals=Approvals(second_person=True)
    )
    script = [call("hold", {"name": "x"}), call("pay", {"cents": 5}), say("Done.")]
    async with guarding(script, App(agents=[agent])) as it:
        session = await (await it.client("ann")).start("payer", "Look at my order.")
        await gate.arrived()
        root = (await it.client("root")).session(session.id)
        await root.steer("Pay 5 cents, too.")
        gate.opened.set()

        async def asked() -> bool:
            return bool((await session.view()).inbox)

        await eventually(asked)
        [item] = (await session.view()).inbox
        with pytest.raises(NotPermitted, match="second person"):
            await root.approve(item.id)
        await (await it.client("approver")).session(session.id).approve(item.id)
        assert (await session.wait()).text == "Done."
        assert paid == [5]
