"""A backup that is made while sessions run is restored elsewhere, verified and repaired."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from holdfast_activities.state import open_state
from holdfast_activities.state.backup.drill import drill
from holdfast_activities.state.backup.folder import dated
from holdfast_activities.state.backup.restoring import restore
from holdfast_workers.verification.sessions import repair

from ...support import eventually
from ..conftest import Running, Start
from .test_verification import APP, script, talk, verified


async def sessions_and_backups(it: Running, folder: Path) -> None:
    """Let sessions run, with backups by the workers before the first, between them and after the last."""

    async def newer(than: int) -> bool:
        # Backups are named by the second, so one within the same second takes the place of the one before.
        [report] = (await it.holdfast.client.maintenance.run("backup")).tasks
        assert report.error == ""
        return len(dated(folder)) > than

    await eventually(partial(newer, 1))
    load = asyncio.gather(*(talk(it, "Pay.", "this") for _ in range(4)))
    while not load.done():
        await newer(0)
    await load
    await eventually(partial(newer, len(dated(folder))))


@pytest.mark.slow
async def test_a_backup_under_load_is_restored_elsewhere_and_agrees_with_the_histories(
    start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    async with start(script, APP, backup_folder=str(folder)) as it:
        await sessions_and_backups(it, folder)
        backups = dated(folder)
        assert len(backups) >= 2
        # The last one has everything, the first one only the beginning of the sessions.
        for number, which in enumerate((backups[0], backups[-1])):
            assert (await drill(which.path)).faults == []
            url = f"sqlite:///{tmp_path}/elsewhere{number}.db"
            await restore(which.path, url)
            state = await open_state(url, migrate=False)
            found = await verified(it, state)
            assert found.sessions == 4
            assert bool(found.findings) == (which is backups[-1])
            assert all(each.repairable for each in found.findings)
            queues = [it.holdfast.task_queue]
            async for _ in repair(it.holdfast.temporal, queues, state, (), previews=False, by="ann"):
                pass
            left = {each.fault for each in (await verified(it, state)).findings}
            assert left <= {"spec_missing"}
            await state.close()


async def test_a_worker_without_a_folder_makes_no_backup(start: Start) -> None:
    async with start(script, APP) as it:
        [report] = (await it.holdfast.client.maintenance.run("backup")).tasks
        assert "HOLDFAST_BACKUP_FOLDER" in report.error
