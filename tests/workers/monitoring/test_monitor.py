"""The monitor on a real worker: it observes, recommends, applies what is allowed, and its change is reverted."""

from __future__ import annotations

import asyncio
import io
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from holdfast import Client, MonitorReport, connect
from holdfast_activities.state import open_state
from holdfast_activities.state.coordination.outbox import OutboxItem
from holdfast_client.command.main import invoke
from holdfast_temporal import DevServer
from holdfast_workflows.contracts import names

from ..running import started

FAR = 1e12


async def triggered(client: Client, queue: str, runs: int) -> MonitorReport:
    """The report of one more run, the last of so many."""
    await client.temporal.get_schedule_handle(names.monitor_id(queue)).trigger()
    async with asyncio.timeout(60):
        while len(found := await client.monitor.reports(limit=100)) < runs:  # noqa: ASYNC110 # the server sets no event
            await asyncio.sleep(0.1)
    assert len(found) == runs
    return found[0]


async def every(client: Client, queue: str) -> float:
    """The interval of maintenance in seconds."""
    found = await client.temporal.get_schedule_handle(names.maintenance_id(queue)).describe()
    return found.schedule.spec.intervals[0].every.total_seconds()


@pytest.mark.slow
async def test_the_monitor_applies_what_it_may_and_an_operator_reverts_it(
    server: DevServer, task_queue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    settings = {"temporal_address": server.address, "task_queue": task_queue, "home": str(tmp_path)}
    async with started("worker", "tests.workers.probe.app:app", health_port="0", **settings) as worker:
        await worker.ready()
        state = await open_state(f"sqlite:///{tmp_path / 'state.db'}", scope=task_queue)
        for number in range(100):
            item = OutboxItem(id=f"m{number}", tenant="", session="", at=0.0, body="{}")
            await state.outbox.add(item, until=FAR)
        await state.close()
        client = await connect(server.address, task_queue=task_queue)
        await client.monitor.start(apply=True)
        first = await triggered(client, task_queue, 1)
        assert (first.recommendations, first.errors) == ((), {})
        assert first.analyses[0].values["outbox_changes"] == 100
        await triggered(client, task_queue, 2)
        third = await triggered(client, task_queue, 3)
        [change] = third.changes
        assert (change.before, change.after, await every(client, task_queue)) == (3_600, 1_800, 1_800)
        assert "memory_cleanup of memory" in await shown(server.address, task_queue)
        await client.monitor.revert(change.id)
        assert await every(client, task_queue) == 3_600
        fourth = await triggered(client, task_queue, 4)
        assert [bool(each.reverted) for each in fourth.changes] == [True]
        assert await every(client, task_queue) == 3_600
        actions = [entry.record.action for entry in await client.audit()]
        assert [each for each in actions if "monitor" in each] == ["monitor_applied", "monitor_reverted"]
        assert await client.monitor.stop()


async def shown(address: str, queue: str) -> str:
    """What ``holdfast monitor show`` prints."""

    def run() -> str:
        with redirect_stdout(io.StringIO()) as out:
            assert invoke(["--address", address, "--task-queue", queue, "monitor", "show"]) == 0
        return out.getvalue()

    return await asyncio.to_thread(run)
