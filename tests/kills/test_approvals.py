"""An approval outlives the workers: the one that asked, and the one that made the call."""

from __future__ import annotations

import uuid

import pytest

from holdfast import InboxItem, Session

from ..support import eventually
from .conftest import Make
from .test_effects import APP, calling
from .world import done, kill, ready


async def asked(session: Session) -> InboxItem:
    """Return what waits for a person, once something does."""
    found: list[InboxItem] = []

    async def waits() -> bool:
        found[:] = (await session.view()).inbox
        return bool(found)

    await eventually(waits)
    return found[0]


@pytest.mark.slow
async def test_an_approval_survives_the_loss_of_every_worker(world: Make, task_queue: str) -> None:
    async with world(calling("grant", "after")) as there:
        async with there.worker(task_queue, app=APP) as worker:
            await ready(worker)
            handle = await there.begin(task_queue, f"asks-{uuid.uuid4().hex[:8]}")
            session = await there.session(handle)
            item = await asked(session)
            await kill(worker)
        async with there.worker(task_queue, app=APP) as worker:
            assert (await asked(session)).approval == item.approval
            await session.approve(item.id)
            assert await worker.ended() == 9  # within the call that was approved
        async with there.worker(task_queue, app=APP):
            await done(handle)
            # Twice under one key: the second attempt is the same use of the approval.
            assert there.ledger.of(handle.id) == ["after"]
            assert [row.status for row in await session.effects()] == ["settled"]
