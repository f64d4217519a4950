"""Priority and fairness of tenants that share workers."""

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

SLOTS, RUNS, FLOOD = 4, 12, 80


async def waits_of(server: DevServer, others: int, *, fair: bool = True) -> Waits:
    """Measure the waits of a tenant; all runs are queued before the worker starts, so only their order counts."""
    return await waits(
        server.address, others=others, runs=RUNS, fair=fair, slots=SLOTS, takes=0.05, late=False
    )


async def test_a_busy_tenant_at_most_doubles_the_wait_of_another(server: DevServer) -> None:
    alone = await waits_of(server, 0)
    assert alone.calls == (RUNS - 1) / 2
    # Runs that have begun when the first of these arrives are not stopped: those in a slot, and the next ones.
    assert (await waits_of(server, FLOOD)).calls <= 2 * alone.calls + 2 * SLOTS


@pytest.mark.slow
async def test_without_fairness_keys_one_tenant_waits_for_the_other(server: DevServer) -> None:
    assert (await waits_of(server, FLOOD, fair=False)).calls > FLOOD / 2


async def priority_of(holdfast: Environment, session: str) -> Priority:
    """Return the priority of a session's newest run."""
    found = await holdfast.temporal.get_workflow_handle(session).describe()
    stored = found.raw_description.workflow_execution_info.priority
    return Priority(stored.priority_key or None, stored.fairness_key or None, stored.fairness_weight or None)


async def test_later_runs_keep_priority_and_weight(running: Running) -> None:
    async with running(always(say("Hello."))) as holdfast:
        client = holdfast.client
        session = await client.start(
            "helper", "Hi!", tenant="acme", priority=2, weight=2.5, continue_as_new_after=10
        )
        for word in ("One.", "Two.", "Three."):
            await session.send(word)
        first = await holdfast.temporal.get_workflow_handle(session.id).describe()
        assert first.raw_description.workflow_execution_info.first_run_id != first.run_id
        assert await priority_of(holdfast, session.id) == Priority(2, "acme", 2.5)


async def test_a_long_tenant_name_is_hashed_and_defaults_are_equal(
    running: Running,
) -> None:
    async with running(always(say("Hello."))) as holdfast:
        session = await holdfast.client.start("helper", "Hi!", tenant="ä" * MAX_NAME)
        assert (await session.wait()).text == "Hello."
        kept = await priority_of(holdfast, session.id)
        assert len(kept.fairness_key or "") == 64
        assert (kept.priority_key, kept.fairness_weight) == (None, None)
        session = await holdfast.client.start("helper", "Hi!")
        assert await priority_of(holdfast, session.id) == Priority()


def test_different_long_names_are_different_shares() -> None:
    assert shares.of("a" * 65) != shares.of("a" * 66)
    assert shares.of("a" * 64).fairness_key == "a" * 64


@pytest.mark.parametrize(
    ("priority", "weight"), [(0, None), (6, None), (None, 0.0), (None, 1_001.0), (None, float("nan"))]
)
def test_a_priority_or_weight_out_of_range_is_refused(priority: int | None, weight: float | None) -> None:
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
