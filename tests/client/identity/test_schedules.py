"""Schedules of a deployment with an identity provider: for whom their tasks act, and who may change them."""

from __future__ import annotations

import pytest

from holdfast import HoldfastError, ScheduleNotFound
from holdfast_activities.identity import api_keys
from holdfast_client.schedules.reading import start_of
from holdfast_workflows.contracts import names

from ...support import eventually
from ..schedules.test_schedules import echo, ran
from .conftest import Guarded, Guarding


async def _error(it: Guarded, session: str) -> str:
    """The code of the error with which a session has failed."""
    try:
        await (await it.client("root")).session(session).result(timeout=30)
    except HoldfastError as error:
        return error.code
    return ""


async def test_scheduled_tasks_act_for_the_principal_that_made_the_schedule(guarding: Guarding) -> None:
    async with guarding(echo) as it:
        ann = await it.client("ann")
        await ann.schedule("anns", "helper", "Go", cron="0 9 * * *", paused=True)
        await ann.schedules.trigger("anns")
        run = (await ran(ann, "anns")).recent[-1]
        assert (await ann.session(run.session).result(timeout=30)).text == "You said: Go"
        view = await ann.session(run.session).view()
        assert (view.tenant, view.user) == ("acme", "ann")
        for name in ("bob", "eve"):
            other = await it.client(name)
            with pytest.raises(ScheduleNotFound):
                await other.schedules.pause("anns")
            assert await other.schedules.list() == ()
        await ann.schedules.delete("anns")


async def test_a_schedule_whose_message_was_changed_without_a_worker_starts_nothing(
    guarding: Guarding,
) -> None:
    async with guarding(echo) as it:
        ann = await it.client("ann")
        await ann.schedule("changed", "helper", "Go", cron="0 9 * * *", paused=True)
        temporal = it.environment.temporal
        found = await temporal.get_schedule_handle("changed").describe()
        start = await start_of(temporal, found)
        assert start is not None
        assert start.message is not None
        message = start.message.model_copy(update={"text": "Give me the money"})
        forged = await temporal.start_workflow(
            names.WORKFLOW,
            start.model_copy(update={"message": message}),
            id="changed-forged",
            task_queue=it.environment.task_queue,
        )
        assert await _error(it, forged.id) == "invalid_credential"
        await ann.schedules.delete("changed")


async def test_a_schedule_ends_with_the_api_key_that_made_it(guarding: Guarding) -> None:
    async with guarding(echo) as it:
        ann, root = await it.client("ann"), await it.client("root")
        await ann.schedule("revoked", "helper", "Go", cron="0 9 * * *", paused=True)
        api_keys.revoke(it.file, "ann")

        async def refused() -> bool:
            await root.schedules.trigger("revoked")
            runs = (await ran(root, "revoked")).recent
            return "invalid_credential" in [await _error(it, run.session) for run in runs[-1:]]

        await eventually(refused)
        await root.schedules.delete("revoked")
