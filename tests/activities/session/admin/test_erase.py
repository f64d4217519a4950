"""Erasing sessions, users and tenants: memories and what waits to become one, log, caches."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.exceptions import ApplicationError

from holdfast.testing import say
from holdfast_activities.memory import Change, FactDraft
from holdfast_activities.state import State
from holdfast_activities.state.audit.verifying import verify
from holdfast_activities.state.setup.location import SqliteLocation, locate
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import (
    TASKS,
    EraseInput,
    EraseKind,
    EraseResult,
    MaintainInput,
    MaintenanceReport,
    MemoryQuery,
)
from holdfast_workflows.contracts.control.audit import AuditRecord

from ..memory.memory_worker import MemoryWorker, remembering
from ..memory.test_compact import compacting, steps


async def erase(
    worker: MemoryWorker, kind: EraseKind, id: str = "", tenant: str | None = None
) -> EraseResult:
    request = EraseInput(kind=kind, id=id, tenant=worker.tenant if tenant is None else tenant, by="ann")
    result: EraseResult = await worker.run(names.ERASE, request)
    return result


async def lived(worker: MemoryWorker, said: str) -> None:
    """A session with a turn that is remembered, one that waits, and a summary."""
    await worker.run(names.REMEMBER_TURN, await worker.turn(1, f"{said} one", f"{said} one answered"))
    worker.memory.down = True
    await worker.run(names.REMEMBER_TURN, await worker.turn(2, f"{said} two", f"{said} two answered"))
    worker.memory.down = False
    await steps(worker, 12, first=300)
    await worker.run(names.COMPACT, await compacting(worker, 320))


async def memories(worker: MemoryWorker) -> list[str]:
    page = await worker.memory.list(MemoryQuery(tenant=worker.tenant, superseded=True, limit=500))
    return [view.text for view in page.memories]


async def test_an_erased_user_leaves_no_trace(state: State, tmp_path: Path, url: str) -> None:
    canary = f"canary{uuid4().hex}"
    folder = tmp_path / "memories"
    folder.mkdir()
    script = say(f'[{{"text": "The word is {canary}.", "said_by": "user"}}]'), say("[]"), say(canary)
    async with remembering(state, folder, *script, context_window=8_000) as worker:
        await lived(worker, canary)
        fact = FactDraft(id="f", scope="user:ann", text=canary, at=1.0)
        await worker.memory.apply(Change(id="f", tenant=worker.tenant, facts=(fact,)))
        result = await erase(worker, "user", "ann")
        assert result.sessions == (worker.session,)
        assert result.memories >= 4
        assert result.entries > 20
        await worker.activities.drainer.poll()
        assert await memories(worker) == []
        assert canary.encode() not in b"".join(path.read_bytes() for path in folder.glob("memory.db*"))
        assert await state.log.read(worker.session, 0) == []
        again = await erase(worker, "user", "ann")
        assert (again.sessions, again.memories, again.entries) == ((), 0, 0)
        records = [AuditRecord.model_validate_json(row.body) for row in await state.audit.rows(worker.tenant)]
        assert [record.action for record in records] == ["erasing", "erased"]
        assert {(record.kind, record.subject, record.details["by"]) for record in records} == {
            ("erasure", "user ann", "ann")
        }
        assert records[1].details["sessions"] == "1"
        assert (await verify(state.audit, None, tenant=worker.tenant)).findings == []
        if isinstance(location := locate(url), SqliteLocation):
            files = location.path.parent.glob(f"{location.path.name}*")
            assert canary.encode() not in b"".join(path.read_bytes() for path in files)


async def test_erasing_a_session_keeps_the_users_other_sessions(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path, context_window=8_000) as one, remembering(state, tmp_path) as two:
        two.tenant = one.tenant
        await lived(one, "first")
        await two.run(names.REMEMBER_TURN, await two.turn(1, "second one", "yes"))
        await erase(one, "session", one.session)
        await one.activities.drainer.poll()
        assert sorted(await memories(two)) == ["second one", "yes"]
        assert len(await state.log.read(two.session, 0)) == 2


async def test_erasing_a_tenant_keeps_others(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path, context_window=8_000) as one, remembering(state, tmp_path) as two:
        await lived(one, "first")
        await two.run(names.REMEMBER_TURN, await two.turn(1, "second one", "yes"))
        result = await erase(one, "tenant")
        assert result.sessions == (one.session,)
        await one.activities.drainer.poll()
        assert await memories(one) == []
        assert len(await memories(two)) == 2


async def test_a_session_of_another_tenant_is_not_erased(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path, context_window=8_000) as worker:
        await lived(worker, "first")
        with pytest.raises(ApplicationError) as refused:
            await erase(worker, "session", worker.session, tenant="other")
        assert refused.value.type == "bad_input"
        assert await state.load_session(worker.session) is not None
        with pytest.raises(ApplicationError):
            await erase(worker, "user", "")


async def test_an_erasure_fails_without_the_store_and_is_finished_later(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path, context_window=8_000) as worker:
        await lived(worker, "first")
        worker.memory.down = True
        with pytest.raises(ApplicationError) as failed:
            await erase(worker, "user", "ann")
        assert failed.value.type == "memory_unavailable"
        assert not failed.value.non_retryable
        worker.memory.down = False
        result = await erase(worker, "user", "ann")
        assert result.sessions == (worker.session,)
        assert await memories(worker) == []


# Maintenance.


async def test_maintenance_does_every_task_in_order(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path, context_window=8_000) as worker:
        await lived(worker, "first")
        report: MaintenanceReport = await worker.run(names.MAINTAIN, MaintainInput())
        assert [(task.task, task.error) for task in report.tasks] == [(task, "") for task in TASKS]
        assert report.tasks[0].count >= 1
        assert "first two" in await memories(worker)


async def test_a_task_that_fails_does_not_stop_the_rest(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        worker.memory.down = True
        report: MaintenanceReport = await worker.run(names.MAINTAIN, MaintainInput())
        errors = {task.task: task.error for task in report.tasks}
        assert [task.task for task in report.tasks] == list(TASKS)
        assert "switched off" in errors["expire"]
        assert errors["prune"] == ""


async def test_a_single_failing_task_fails_the_activity(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        worker.memory.down = True
        with pytest.raises(ApplicationError) as failed:
            await worker.run(names.MAINTAIN, MaintainInput(tasks=("expire",)))
        assert failed.value.type == "memory_unavailable"
