"""Workers that are killed while a remote agent answers them: no task is begun twice that must happen once."""

from __future__ import annotations

import asyncio
import json
import uuid

import pytest

from holdfast.testing import Reply, Request, call, say

from ..a2a_servers.remote import remote_agent
from ..workers.running import eventually as seen
from .conftest import Make
from .world import done, kill, ready

APP = "tests.kills.a2a_app:app"


def script(request: Request) -> Reply:
    return call("ask_remote", {"message": "Paint"}) if request.results == 0 else say("Done.")


@pytest.mark.slow
@pytest.mark.parametrize(("effect", "sent"), [("idempotent", 2), ("once", 1)])
async def test_the_task_of_a_killed_worker_is_found_again_or_sent_with_its_id(
    world: Make, task_queue: str, effect: str, sent: int
) -> None:
    hang = asyncio.Event()
    async with world(script) as there, remote_agent(hang=hang) as remote:
        given = {"app": APP, "test_a2a": json.dumps({"url": remote.url, "effect": effect})}
        async with there.worker(task_queue, **given) as worker:
            await ready(worker)
            handle = await there.begin(task_queue, f"a2a-{uuid.uuid4().hex[:8]}")
            await seen(lambda: len(remote.messages) == 1)
            await kill(worker)
        remote.hang = None
        hang.set()
        async with there.worker(task_queue, **given):
            await done(handle)
            results = [row["text"] for row in there.log(handle.id) if row["kind"] == "result"]
    assert results == ["done: Paint"]
    assert len(remote.messages) == sent
    assert len({id for id, _ in remote.messages}) == 1
