"""Tasks that the server starts by cron or at an interval."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holdfast import Agent, App, BadInput, Client, ScheduleNotFound, ScheduleView, UnknownAgent
from holdfast.testing import Environment, Request, ScriptedModel, say
from holdfast_activities.session.schedules import values_of
from holdfast_temporal import DevServer
from holdfast_workflows.contracts.operations.schedules import render
from holdfast_workflows.contracts.session.scheduled import Scheduled

from ...support import eventually


def echo(request: Request) -> Any:
    return say(f"You said: {request.json['messages'][-1]['content']}")


@pytest.fixture
async def client(server: DevServer) -> AsyncGenerator[Client]:
    app = App(agents=[Agent("reporter", model="openai:test")])
    async with ScriptedModel(echo) as model, Environment.start(app, model, server=server.address) as it:
        yield it.client


async def ran(client: Client, id: str) -> ScheduleView:
    """The schedule, once it has started a task."""
    found: list[ScheduleView] = []

    async def started() -> bool:
        found[:] = [await client.schedules.show(id)]
        return bool(found[0].recent)

    await eventually(started)
    return found[0]


async def test_a_triggered_schedule_runs_a_task_with_its_rendered_message(client: Client) -> None:
    made = await client.schedule(
        "daily", "reporter", "Report {date}, due {scheduled_at}", cron="0 9 * * 1-5", time_zone="Asia/Tokyo",
        tenant="acme", paused=True,
    )  # fmt: skip
    assert (made.when, made.time_zone, made.tenant, made.paused) == (
        "0 9 * * 1-5",
        "Asia/Tokyo",
        "acme",
        True,
    )
    # Nine in Tokyo is midnight in UTC.
    assert {datetime.fromtimestamp(at, UTC).hour for at in made.next} == {0}
    await client.schedules.trigger("daily")
    run = (await ran(client, "daily")).recent[-1]
    session = client.session(run.session)
    reply = await session.result(timeout=30)
    expected = values_of(Scheduled(schedule="daily", time_zone="Asia/Tokyo"), run.scheduled_at)
    assert f"Report {expected['date']}, due {expected['scheduled_at'][:10]}" in reply.text
    assert "+09:00" in reply.text
    assert (await session.view()).tenant == "acme"
    await client.schedules.delete("daily")
    with pytest.raises(ScheduleNotFound):
        await client.schedules.show("daily")


async def test_a_schedule_at_an_interval_starts_tasks_until_it_is_paused(client: Client) -> None:
    await client.schedule("often", "reporter", "Go", every=timedelta(seconds=1))
    assert (await ran(client, "often")).recent[0].session.startswith("often-")
    view = await client.schedules.pause("often", note="enough")
    assert (view.paused, view.note) == (True, "enough")
    assert not (await client.schedules.resume("often")).paused
    await client.schedules.delete("often")


async def test_the_same_id_replaces_a_schedule_of_the_same_owner_only(client: Client) -> None:
    await client.schedule("one", "reporter", "First", cron="0 9 * * *", tenant="acme", paused=True)
    again = await client.schedule("one", "reporter", "Second", cron="0 10 * * *", tenant="acme", paused=True)
    assert (again.message, again.when) == ("Second", "0 10 * * *")
    with pytest.raises(BadInput):
        await client.schedule("one", "reporter", "Third", cron="0 9 * * *", tenant="other", paused=True)

    async def listed() -> bool:
        found = await client.schedules.list(tenant="acme")
        return [each.message for each in found if each.id == "one"] == ["Second"]

    await eventually(listed)
    assert await client.schedules.list(tenant="other") == ()
    await client.schedules.delete("one")


@pytest.mark.parametrize(
    ("wrong", "options"),
    [
        ("Go", {}),
        ("Go", {"cron": "0 9 * * *", "every": timedelta(hours=1)}),
        ("Go", {"cron": "every day"}),
        ("Go", {"cron": "0 99 * * *"}),
        ("Go", {"cron": "0 9 * * *", "time_zone": "Mars/Base"}),
        ("Go", {"cron": "0 9 * * *", "overlap": "terminate"}),
        ("Go", {"every": timedelta(milliseconds=5)}),
        ("Go at {tiem}", {"cron": "0 9 * * *"}),
    ],
)
async def test_what_a_schedule_cannot_do_is_refused(
    client: Client, wrong: str, options: dict[str, Any]
) -> None:
    with pytest.raises(BadInput):
        await client.schedule("wrong", "reporter", wrong, paused=True, **options)
    with pytest.raises(ScheduleNotFound):
        await client.schedules.show("wrong")


async def test_a_schedule_of_an_agent_that_is_not_served_is_refused(client: Client) -> None:
    with pytest.raises(UnknownAgent):
        await client.schedule("wrong", "nobody", "Go", cron="0 9 * * *")


def test_braces_that_are_no_value_stay() -> None:
    assert render('{"a": {date}} {x1}', {"date": "2026-01-02"}) == '{"a": 2026-01-02} {x1}'
