"""A run whose state is in plain files survives a killed worker."""

from __future__ import annotations

import uuid

from .conftest import Make
from .test_effects import APP, calling, rows
from .world import done, ready


async def test_a_run_on_a_file_store_survives_a_killed_worker(world: Make, task_queue: str) -> None:
    async with world(calling("pay", "after")) as there:
        url = f"file:{there.home / 'files'}"
        async with there.worker(task_queue, app=APP, state_url=url) as worker:
            await ready(worker)
            handle = await there.begin(task_queue, f"files-{uuid.uuid4().hex[:8]}")
            assert await worker.ended() == 9
        async with there.worker(task_queue, app=APP, state_url=url):
            await done(handle)
            assert await rows(await there.session(handle)) == [("pay", "settled", "probe")]
        assert there.ledger.tried(handle.id) == 1
    assert not (there.home / "state.db").exists()
    assert list((there.home / "files").glob("snapshot-*.backup"))
