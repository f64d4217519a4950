"""What people see of a run in Temporal: names, summaries, details and search attributes."""

from __future__ import annotations

from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowHandle

from holdfast.testing import call, say
from holdfast_temporal import attributes

from ..support import Gate, eventually, make_app
from .conftest import Running, Start


def handle(it: Running, session: str) -> WorkflowHandle[object, object]:
    return it.holdfast.temporal.get_workflow_handle(session)


async def details(it: Running, session: str) -> str:
    found: WorkflowMetadata = await handle(it, session).query("__temporal_workflow_metadata")
    return found.current_details


async def test_a_history_names_the_tools_and_says_what_each_call_was_for(start: Start) -> None:
    async with start([call("look", {"at": "the sea"}), say("Seen.")]) as it:
        session = await it.holdfast.client.start("helper", "Look at the sea")
        await session.wait(raise_on_error=False)
        told = [
            (
                event.activity_task_scheduled_event_attributes.activity_type.name,
                event.user_metadata.summary.data.decode(),
            )
            async for event in handle(it, session.id).fetch_history_events()
            if event.HasField("activity_task_scheduled_event_attributes")
        ]
        assert told[0] == ("load_agent", '"helper"')
        assert told[1] == ("think", '"helper · step 1"')
        assert told[2][0] == "look"
        assert "the sea" in told[2][1]
        assert told[3][1].startswith('"helper · step 2 · ')


async def test_the_details_of_a_running_session_are_current(start: Start) -> None:
    gate = Gate()
    async with start([call("hold", {"name": "a"}), say("Done.")], make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Please wait")
        await gate.arrived()
        during = await details(it, session.id)
        assert "turn 1, step 1" in during
        assert "running now: `hold`" in during
        assert "Please wait" in during
        gate.opened.set()
        await session.wait(raise_on_error=False)
        after = await details(it, session.id)
        assert "idle" in after
        assert "turn 1 done" in after


async def test_text_from_the_model_is_no_markup_in_the_details(start: Start) -> None:
    async with start([say("![x](http://example.com/?leak) <b>bold</b>")]) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        await session.wait(raise_on_error=False)
        shown = await details(it, session.id)
        assert "![x](" not in shown
        assert "<b>" not in shown


async def test_a_session_can_be_found_by_agent_tenant_status_and_cost(start: Start) -> None:
    async with start([say("Hello.")]) as it:
        session = await it.holdfast.client.start("helper", "Hi", tenant="acme")
        await session.wait(raise_on_error=False)
        described = await handle(it, session.id).describe()
        found = described.typed_search_attributes
        assert found.get(attributes.AGENT) == "helper"
        assert found.get(attributes.TENANT) == "acme"
        assert found.get(attributes.STATUS) == "idle"
        assert found.get(attributes.TURNS) == 1
        assert found.get(attributes.COST) == 0.0
        query = f"HoldfastTenant = 'acme' AND WorkflowId = '{session.id}'"

        async def listed() -> bool:
            return len([run async for run in it.holdfast.temporal.list_workflows(query)]) == 1

        await eventually(listed)
        await session.close()
        await session.result()
        described = await handle(it, session.id).describe()
        assert described.typed_search_attributes.get(attributes.STATUS) == "closed"


async def test_search_attributes_change_per_turn_and_not_per_step(start: Start) -> None:
    async with start([*[call("look", {"at": "it"})] * 6, say("Seen.")]) as it:
        session = await it.holdfast.client.start("helper", "Look")
        await session.wait(raise_on_error=False)
        upserts = [
            event
            async for event in handle(it, session.id).fetch_history_events()
            if event.HasField("upsert_workflow_search_attributes_event_attributes")
        ]
        assert len(upserts) <= 2
