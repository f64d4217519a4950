"""The agent's plan and notes: kept in the workflow, shown to people, carried on."""

from __future__ import annotations

import json

import pytest
from temporalio.client import Client as TemporalClient

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import Notes, Plan, PlanItem
from holdfast_workflows.contracts.agent.spec import PinnedSpec

from ..played import Played, calls, playing, says
from .test_memory import details

_SPEC = PinnedSpec(agent="a", digest="d", working_memory=True)
_PLAN = Plan(
    items=(
        PlanItem(text="Find the invoice", status="done"),
        PlanItem(text="Refund ![it](http://x)", status="doing"),
        PlanItem(text="Say so"),
    )
)


def planned() -> Played:
    return Played(
        [
            calls(names.UPDATE_PLAN, _PLAN.model_dump_json(), done=True),
            calls(names.WRITE_NOTES, Notes(text="order 42\nis Ann's").model_dump_json(), done=True),
        ],
        spec=_SPEC,
    )


async def test_a_plan_sent_as_json_text_is_kept(client: TemporalClient, task_queue: str) -> None:
    sent = json.dumps({"items": _PLAN.model_dump_json(include={"items"}).removeprefix('{"items":')[:-1]})
    played = Played([calls(names.UPDATE_PLAN, sent, done=True)], spec=_SPEC)
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Refund order 42.")
        await session.wait(raise_on_error=False)
        assert (await session.view(0)).plan == _PLAN.items


async def test_a_plan_and_notes_are_kept_and_shown(client: TemporalClient, task_queue: str) -> None:
    async with playing(client, task_queue, planned()) as holdfast:
        session = await holdfast.start("a", "Refund order 42.")
        await session.wait(raise_on_error=False)
        view = await session.view(0)
        page = await details(client, session)
    assert (view.plan, view.notes) == (_PLAN.items, "order 42\nis Ann's")
    told = [(event.name, event.text) for event in view.events if event.kind == "plan"]
    assert [name for name, _ in told] == [names.UPDATE_PLAN, names.WRITE_NOTES]
    assert told[0][1].startswith("1 of 3 done; now: Refund")
    assert "  - [x] Find the invoice" in page
    assert "  - [ ] Say so" in page
    assert "![it]" not in page  # what the model wrote is no markup
    assert "- notes: order 42 is Ann's" in page


async def test_a_plan_survives_turns_and_roll_overs(client: TemporalClient, task_queue: str) -> None:
    played = planned()
    played.thinks += [says("Planned."), *[calls("look")] * 6]
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Refund order 42.", continue_as_new_after=40)
        await session.wait(raise_on_error=False)
        first = (await client.get_workflow_handle(session.id).describe()).run_id
        await session.send("Go on.")
        assert (await client.get_workflow_handle(session.id).describe()).run_id != first
        view = await session.view()
    assert (view.plan, view.notes) == (_PLAN.items, "order 42\nis Ann's")


async def test_a_new_plan_takes_the_place_of_the_one_before(client: TemporalClient, task_queue: str) -> None:
    played = planned()
    played.thinks.append(calls(names.UPDATE_PLAN, '{"items": []}', done=True))
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Refund order 42.")
        await session.wait(raise_on_error=False)
        assert (await session.view()).plan == ()


@pytest.mark.parametrize(
    ("spec", "arguments"),
    [(PinnedSpec(agent="a", digest="d"), _PLAN.model_dump_json()), (_SPEC, '{"items": "all"}'), (_SPEC, "")],
    ids=["a tool of the user's", "of another shape", "not told"],
)
async def test_what_is_no_plan_changes_nothing(
    client: TemporalClient, task_queue: str, spec: PinnedSpec, arguments: str
) -> None:
    played = Played([calls(names.UPDATE_PLAN, arguments, done=True)], spec=spec)
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Plan.")
        assert (await session.wait()).status == "done"
        assert (await session.view()).plan == ()
