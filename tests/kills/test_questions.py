"""Queries whose worker is killed are answered by another worker."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from holdfast.testing import say

from ..support import eventually
from ..workers.running import eventually as seen
from .conftest import Make
from .wire import Wire
from .world import kill, pending


@pytest.mark.slow
async def test_a_query_whose_worker_is_killed_is_answered_by_the_next_worker(
    world: Make, task_queue: str
) -> None:
    async with world([say("Hello.")]) as there:
        async with there.worker(task_queue) as worker:
            handle = await there.begin(task_queue, f"asked-{uuid.uuid4().hex[:8]}", mode="conversation")
            session = await there.session(handle)
            assert (await session.wait()).text == "Hello."

            async def settled() -> bool:
                return not await pending(handle)

            await eventually(settled)
            # The server repeats a query only to the worker of the last workflow task.
            await kill(worker)
        async with Wire(there.address) as wire, there.worker(task_queue, wire.address) as worker:
            assert (await session.view()).turn == 1
            # From here on the worker receives queries, and its answers are kept back.
            wire.hold()
            asked = asyncio.create_task(session.view())
            await seen(lambda: b"view" in wire.received)
            await kill(worker)
        async with there.worker(task_queue):
            assert (await asked).turn == 1
