"""What tenants that share workers get of them."""

from __future__ import annotations

import pytest
from temporalio.common import Priority

from benchmarks.fairness import Waits, waits
from holdfast import Agent, App, TenantLimits
from holdfast.testing import Environment, ScriptedModel, say
from holdfast_client import shares
from holdfast_temporal import DevServer
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.limits import MAX_NAME

from ..support import always
from .conftest import Running

SLOTS, FEW, MANY = 4, 12, 80


async def beside(server: DevServer, others: int, *, fair: bool = True) -> Waits:
    """What the few wait where all are queued before the worker starts: then only the queue's order counts."""
    return await waits(
        server.address, others=others, runs=FEW, fair=fair, slots=SLOTS, takes=0.05, late=False
    )


async def test_one_tenants_flood_makes_another_wait_at_most_twice_as_long(server: DevServer) -> None:
    alone = await beside(server, 0)
    assert alone.calls == (FEW - 1) / 2
    # What the worker has begun when the first of the few comes is not taken back.
    assert (await beside(server, MANY)).calls <= 2 * alone.calls + SLOTS


@pytest.mark.slow
async def test_a_queue_that_is_not_told_of_tenants_makes_one_wait_for_the_other(server: DevServer) -> None:
    assert (await beside(server, MANY, fair=False)).calls > MANY / 2


async def told(holdfast: Environment, session: str) -> Priority:
    """What the server keeps of a session's newest run."""
    found = await holdfast.temporal.get_workflow_handle(session).describe()
    kept = found.raw_description.workflow_execution_info.priority
    return Priority(kept.priority_key or None, kept.fairness_key or None, kept.fairness_weight or None)


async def test_a_session_keeps_its_place_and_its_share_in_its_later_runs(running: Running) -> None:
    async with running(always(say("Hello."))) as holdfast:
        client = holdfast.client
        session = await client.start(
            "helper", "Hi!", tenant="acme", priority=2, weight=2.5, continue_as_new_after=10
        )
        for word in ("One.", "Two.", "Three."):
            await session.send(word)
        first = await holdfast.temporal.get_workflow_handle(session.id).describe()
        assert first.raw_description.workflow_execution_info.first_run_id != first.run_id
        assert await told(holdfast, session.id) == Priority(2, "acme", 2.5)


async def test_a_tenant_is_a_share_whatever_its_name_and_by_default_all_count_the_same(
    running: Running,
) -> None:
    async with running(always(say("Hello."))) as holdfast:
        session = await holdfast.client.start("helper", "Hi!", tenant="ä" * MAX_NAME)
        assert (await session.wait()).text == "Hello."
        kept = await told(holdfast, session.id)
        assert len(kept.fairness_key or "") == 64
        assert (kept.priority_key, kept.fairness_weight) == (None, None)
        session = await holdfast.client.start("helper", "Hi!")
        assert await told(holdfast, session.id) == Priority()


def test_different_long_names_are_different_shares() -> None:
    assert shares.of("a" * 65) != shares.of("a" * 66)
    assert shares.of("a" * 64).fairness_key == "a" * 64


@pytest.mark.parametrize(
    ("priority", "weight"), [(0, None), (6, None), (None, 0.0), (None, 1_001.0), (None, float("nan"))]
)
def test_a_place_or_share_that_cannot_be_is_refused(priority: int | None, weight: float | None) -> None:
    with pytest.raises(BadInput):
        shares.of("acme", priority, weight)


async def test_a_tenants_weight_is_that_of_its_activities(server: DevServer) -> None:
    app = App(
        agents=[Agent("helper", model="openai:scripted", max_inline_steps=1)],
        tenants={"acme": TenantLimits(weight=3.0)},
    )
    async with (
        ScriptedModel([say("Done.")]) as model,
        Environment.start(app, model, server=server.address) as holdfast,
    ):
        session = await holdfast.client.start_task("helper", "Go", tenant="acme")
        await session.result()
        history = await holdfast.temporal.get_workflow_handle(session.id).fetch_history()
    scheduled = [
        event.activity_task_scheduled_event_attributes
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    thinks = [each.priority for each in scheduled if each.activity_type.name == "think"]
    assert [(each.fairness_weight, each.fairness_key) for each in thinks] == [(3.0, "")]
