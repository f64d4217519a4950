"""Items of the inbox have owners, reminders, escalation and a deadline, in a clock that skips ahead."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast import Agent, App, Approvals, Budget
from holdfast.testing import call, say
from holdfast_workflows.contracts.control.identity import LOCAL_OPERATOR, Principal
from holdfast_workflows.contracts.control.inbox import InboxItem, may_answer
from holdfast_workflows.contracts.errors import BudgetExhausted
from holdfast_workflows.session.inbox import deadlines

from ...support import eventually, look
from ..conftest import Start
from ..limited import events, raise_budget, status

HOUR = 3_600.0
SCRIPT = [call("look", {"at": "a"}), say("Done.")]


def app(**policy: Any) -> App:
    """An agent whose second step waits for a person."""
    budget = Budget(steps=1, when_spent="ask")
    return App(
        agents=[
            Agent(
                "helper", model="openai:scripted", tools=[look], budget=budget, approvals=Approvals(**policy)
            )
        ]
    )


async def test_an_item_is_reminded_of_escalated_and_given_up_in_time(start: Start) -> None:
    policy = app(deadline=HOUR, reminders=(0.25 * HOUR, 0.5 * HOUR), escalation=(("ann",),))
    async with start(list(SCRIPT), policy, time_skipping=True) as it:
        session = await it.holdfast.client.start("helper", "Go")
        reply = await session.wait(raise_on_error=False)
        assert isinstance(reply.error, BudgetExhausted)
        since = (await events(session, "needs_person"))[0].at
        found = [(each.status, round(each.at - since, -2)) for each in await events(session, "inbox")]
        assert found == [
            ("reminder", 900),
            ("reminder", 1_800),
            ("escalated", 3_600),
            ("reminder", 4_500),
            ("reminder", 5_400),
            ("expired", 7_200),
        ]
        assert "ann" in (await events(session, "inbox"))[2].text


async def test_the_end_of_a_wait_can_cancel_the_turn(start: Start) -> None:
    async with start(list(SCRIPT), app(deadline=HOUR, end="cancel"), time_skipping=True) as it:
        session = await it.holdfast.client.start("helper", "Go")
        reply = await session.wait(raise_on_error=False)
        assert reply.status == "cancelled"
        assert (await session.view()).inbox == ()


async def test_a_wait_keeps_its_deadline_in_the_next_run(start: Start) -> None:
    async with start(list(SCRIPT), app(deadline=HOUR)) as it:
        session = await it.holdfast.client.start("helper", "Go", continue_as_new_after=40)
        first = (await status(session, "needs_person")).inbox[0]
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        run = (await handle.describe()).run_id
        for _ in range(10):  # each is several events
            await session.steer("Go on.")

        async def continued() -> bool:
            return (await handle.describe()).run_id != run

        await eventually(continued)
        second = (await status(session, "needs_person")).inbox[0]
        assert (second.since, second.deadline) == (first.since, first.deadline)
        await raise_budget(it.holdfast, session, steps=5)
        assert (await session.wait()).text == "Done."


def test_each_kind_of_item_has_owners_and_answers() -> None:
    for kind in ("approval", "effect", "ask_human", "budget", "handover", "consent", "elicitation"):
        item = deadlines.addressed(InboxItem(id="x", kind=kind, what="?"), Approvals(), 5.0)
        assert item.owners
        assert "delegate" in item.actions
        assert item.deadline == 5.0 + 86_400


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        (LOCAL_OPERATOR, True),
        (Principal(id="ann"), True),
        (Principal(id="bob"), False),
        (Principal(id="bob", roles=("approver",)), True),
        (Principal(id="bob", roles=("auditor",)), False),
        (Principal(id="role:approver"), False),  # an id that looks like a role
    ],
)
def test_an_item_is_answered_by_its_owners_only(principal: Principal, allowed: bool) -> None:
    assert may_answer(("ann", "role:approver"), principal) is allowed
