"""What people see of a run in Temporal: names, summaries, details and search attributes."""

from __future__ import annotations

import json
import re
from pathlib import Path

from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowHandle

from holdfast.testing import call, say
from holdfast_temporal import attributes

from ..support import Gate, eventually, make_app
from .conftest import Running, Start


def handle(it: Running, session: str) -> WorkflowHandle[object, object]:
    return it.holdfast.temporal.get_workflow_handle(session)


async def decisions(it: Running, session: str) -> list[list[str]]:
    """What the results of activities begin with, if it says what was decided."""
    found: list[list[str]] = []
    async for event in handle(it, session).fetch_history_events():
        if event.HasField("activity_task_completed_event_attributes"):
            data = event.activity_task_completed_event_attributes.result.payloads[0].data
            if data.startswith(b'{"decided":'):
                found.append(json.loads(data)["decided"])
    return found


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
        assert told[0] == ("think", '"step 1 · turn 1: Look at the sea"')
        assert told[1] == ("look", '"at=the sea"')
        assert told[2][1].startswith('"step 2 · ')


async def test_a_result_begins_with_what_the_model_decided(start: Start) -> None:
    async with start([call("peek", {"at": "it"}), call("look", {"at": "the sea"}), say("Seen.")]) as it:
        session = await it.holdfast.client.start("helper", "Look")
        await session.wait(raise_on_error=False)
        [[inline, asked], [answered]] = await decisions(it, session.id)
        assert re.fullmatch(r"peek\(at=it\) ok in \d+ ms · openai:scripted · [\d,]+ in, \d+ out", inline)
        assert re.fullmatch(r"look\(at=the sea\) · openai:scripted · [\d,]+ in, \d+ out", asked)
        assert answered.startswith("“Seen.” · openai:scripted · ")


async def test_an_update_begins_with_its_text(start: Start) -> None:
    async with start([say("Hello.")]) as it:
        session = await it.holdfast.client.start("helper", "Hi there")
        await session.wait(raise_on_error=False)
        sent = [
            event.workflow_execution_update_accepted_event_attributes.accepted_request.input.args.payloads[0]
            async for event in handle(it, session.id).fetch_history_events()
            if event.HasField("workflow_execution_update_accepted_event_attributes")
        ]
        assert sent[0].data.startswith(b'{"text":"Hi there"')


async def test_the_markers_of_a_session_say_what_was_loaded_and_settled(start: Start) -> None:
    async with start([say("Seen.")]) as it:
        session = await it.holdfast.client.start("helper", "Look at the sea")
        await session.wait()
        markers = [
            event.user_metadata.summary.data.decode()
            async for event in handle(it, session.id).fetch_history_events()
            if event.HasField("marker_recorded_event_attributes")
        ]
        assert markers == ['"load helper"', '"settle turn 1 done"']


async def test_the_details_of_a_running_session_are_current(start: Start) -> None:
    gate = Gate()
    async with start([call("hold", {"name": "a"}), say("Done.")], make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Please wait")
        await gate.arrived()
        during = await details(it, session.id)
        assert "turn 1, step 1" in during
        assert "running now: `hold`" in during
        assert "Please wait" in during
        assert re.search(r"^- [\d:]{8} \*\*step 1\*\* · [\d.]+ m?s · openai:scripted · ", during, re.M)
        assert re.search(r"^- [\d:]{8} ↳ `hold\(name=a\)` started$", during, re.M)
        gate.opened.set()
        await session.wait(raise_on_error=False)
        after = await details(it, session.id)
        assert "idle" in after
        assert "turn 1 done" in after
        assert re.search(r"^- [\d:]{8} ↳ `hold\(name=a\)` ok · [\d.]+ m?s: ", after, re.M)


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


async def test_the_documented_filters_find_a_session(start: Start) -> None:
    page = (Path(__file__).parents[2] / "docs/temporal-ui.md").read_text("utf-8")
    filters = re.findall(r"^\| [^|]+ \| `([A-Z]\w+ [!=<>]+ .*)` \|$", page, re.M)
    assert len(filters) == 8
    gate = Gate()
    async with start([call("hold", {"name": "a"}), say("Done.")], make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Wait", tenant="acme", user="u-17")
        await gate.arrived()

        async def found() -> bool:
            return {
                query
                for query in filters
                if [run async for run in it.holdfast.temporal.list_workflows(query) if run.id == session.id]
            } == {
                query
                for query in filters
                if not re.search('needs_person|waiting|support|Cost|"Failed"', query)
            }

        await eventually(found)
        gate.opened.set()
        await session.wait()


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
