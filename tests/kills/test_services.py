"""A service's worker dies during a call: the core's worker goes on, and the call happens once."""

from __future__ import annotations

import uuid

import pytest

from ..support import eventually
from .conftest import Make
from .test_effects import calling
from .world import done, ready

APP = "tests.kills.service:app"


@pytest.mark.slow
async def test_another_worker_of_the_service_takes_the_call_of_a_lost_one(
    world: Make, task_queue: str
) -> None:
    async with world(calling("post", "a letter")) as there, there.worker(task_queue, app=APP) as core:
        await ready(core)
        handle = await there.begin(task_queue, f"mail-{uuid.uuid4().hex[:8]}")
        async with there.worker(task_queue, app=APP, queues="mail") as first:
            assert await first.ended() == 9
        async with there.worker(task_queue, app=APP, queues="mail") as second:
            await done(handle)
            [result] = [row["text"] for row in there.log(handle.id) if row["kind"] == "result"]
            assert result == f"receipt 1 by {second.process.pid}"
        assert core.process.returncode is None
        assert there.ledger.of(handle.id) == ["a letter"]


@pytest.mark.slow
async def test_a_person_settles_a_lost_call_of_a_service_that_has_no_worker_left(
    world: Make, task_queue: str
) -> None:
    async with world(calling("send", "a letter")) as there, there.worker(task_queue, app=APP) as core:
        await ready(core)
        async with there.worker(task_queue, app=APP, queues="mail") as service:
            await ready(service)
            handle = await there.begin(task_queue, f"mail-{uuid.uuid4().hex[:8]}")
            assert await service.ended() == 9
        session = await there.session(handle)

        async def asked() -> bool:
            return bool((await session.view()).inbox)

        await eventually(asked)
        waiting = (await session.view()).inbox[0]
        await session.answer(waiting.id, "confirm", text="it was sent", by="ann")
        await done(handle)
        [result] = [row["text"] for row in there.log(handle.id) if row["kind"] == "result"]
        assert result == "it was sent"
        assert there.ledger.tried(handle.id) == 1
