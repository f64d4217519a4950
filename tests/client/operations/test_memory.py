"""Memories, manifests and erasure in the SDK."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from temporalio.client import Client as TemporalClient
from temporalio.client import ScheduleActionStartWorkflow, ScheduleOverlapPolicy, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from holdfast_client import Client, sync
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import (
    EVERY_TASK,
    AddMemory,
    EraseInput,
    MemoryQuery,
    MemoryView,
)
from holdfast_workflows.contracts.errors import BadInput, NothingToDo, SessionRunning
from tests.workflows.played import Played, calls, playing, says

from ...support import eventually
from .fake_memory import FULL, FakeMemory, manifest


async def gone(temporal: TemporalClient, session: str, run: str) -> bool:
    """Whether the server has deleted a run."""
    try:
        await temporal.get_workflow_handle(session, run_id=run).describe()
    except RPCError as error:
        return error.status == RPCStatusCode.NOT_FOUND
    return False


async def run_of(temporal: TemporalClient, session: str) -> str:
    return (await temporal.get_workflow_handle(session).describe()).run_id


async def test_memories_are_searched_within_scopes(client: TemporalClient, task_queue: str) -> None:
    fake = FakeMemory([MemoryView(id="1", text="Ann moved", score=0.8), MemoryView(id="2", text="it rains")])
    async with playing(client, task_queue, Played(), *fake.activities()) as holdfast:
        found = await holdfast.memory.search("moved", tenant="acme", scopes=["user:ann"], kinds=["fact"])
        with pytest.raises(BadInput, match="the search text is empty"):
            await holdfast.memory.search("  ")
        with pytest.raises(BadInput, match="kinds"):
            await holdfast.memory.search("moved", kinds=["dream"])  # type: ignore[list-item]  # that is refused
    assert [each.id for each in found] == ["1"]
    (query,) = fake.requests_of(MemoryQuery)
    assert (query.tenant, query.scopes, query.kinds, query.limit, query.floor) == (
        "acme", ("user:ann",), ("fact",), 10, 0.3,
    )  # fmt: skip


async def test_all_pages_of_memories_are_listed(client: TemporalClient, task_queue: str) -> None:
    fake = FakeMemory([MemoryView(id=str(number), text="it") for number in range(5)])
    async with playing(client, task_queue, Played(), *fake.activities()) as holdfast:
        found = [each.id async for each in holdfast.memory.list()]
    assert found == ["0", "1", "2", "3", "4"]


async def test_a_fact_is_added_and_forgotten(client: TemporalClient, task_queue: str) -> None:
    fake = FakeMemory()
    naive = datetime(2030, 1, 1)  # noqa: DTZ001 - such times are UTC
    async with playing(client, task_queue, Played(), *fake.activities()) as holdfast:
        id = await holdfast.memory.add(
            "Ann is a vegetarian.",
            scope="user:ann",
            expires=naive,
            id="diet",
        )
        assert await holdfast.memory.add("Other.", scope="tenant") != id
        assert await holdfast.memory.forget(id, "other") == 2
        with pytest.raises(BadInput):
            await holdfast.memory.add("", scope="tenant")
    assert id == "diet"
    assert fake.requests_of(AddMemory)[0].expires == 1_893_456_000  # without a zone it is UTC


async def test_a_running_session_is_erased_only_with_stop(client: TemporalClient, task_queue: str) -> None:
    fake = FakeMemory()
    async with playing(client, task_queue, Played(), *fake.activities()) as holdfast:
        session = await holdfast.start("a", "Hello.")
        await session.wait(raise_on_error=False)
        with pytest.raises(SessionRunning, match=session.id):
            await holdfast.memory.erase("session", session.id)
        assert fake.requests_of(EraseInput) == []
        done = await holdfast.memory.erase("session", session.id, stop=True)
        assert (done.memories, done.entries, done.sessions, done.histories) == (3, 5, 1, 1)
        status = (await client.get_workflow_handle(session.id).describe()).status
        assert status == WorkflowExecutionStatus.TERMINATED


async def test_the_session_of_another_tenant_is_not_erased(client: TemporalClient, task_queue: str) -> None:
    fake = FakeMemory()
    async with playing(client, task_queue, Played(), *fake.activities()) as holdfast:
        session = await holdfast.start("a", "Hello.", tenant="acme")
        with pytest.raises(BadInput, match="not of tenant 'other'"):
            await holdfast.memory.erase("session", session.id, tenant="other", stop=True)
        assert (await session.wait()).text == "Done."
    assert fake.requests_of(EraseInput) == []


@pytest.mark.slow
async def test_erasing_a_user_deletes_all_histories_of_only_this_user(
    client: TemporalClient, task_queue: str
) -> None:
    fake, played = FakeMemory(), Played([calls("look") for _ in range(8)])
    tenant = f"t-{task_queue}"
    async with playing(client, task_queue, played, *fake.activities()) as holdfast:
        long = await holdfast.start_task("a", "Look.", tenant=tenant, user="ann", continue_as_new_after=30)
        first = await run_of(client, long.id)
        await client.get_workflow_handle(long.id).result()
        # Only the state database has it as a session of Ann.
        unlisted = await holdfast.start_task("a", "Hello.", tenant=tenant)
        other = await holdfast.start_task("a", "Hello.", tenant=tenant, user="bob")
        for session in (unlisted, other):
            await client.get_workflow_handle(session.id).result()
        runs = [(each.id, await run_of(client, each.id)) for each in (long, unlisted)]
        assert runs[0][1] != first
        await eventually(lambda: listed(holdfast, tenant, 3))
        fake.sessions = (unlisted.id,)
        done = await holdfast.memory.erase("user", "ann", tenant=tenant)
        assert done.sessions == 2
        assert done.histories > 2

        async def all_gone() -> bool:
            return all([await gone(client, id, run) for id, run in [(long.id, first), *runs]])

        # The server deletes a run once its queues have passed its end, which it checks every 30 s.
        await eventually(all_gone, within=90)
        assert not await gone(client, other.id, await run_of(client, other.id))
        # A repeated erasure finds nothing, which is not an error.
        fake.sessions = ()
        assert (await holdfast.memory.erase("session", long.id, tenant=tenant)).histories == 0


async def listed(holdfast: Client, tenant: str, count: int) -> bool:
    return len([each async for each in holdfast.sessions(tenant=tenant)]) == count


async def test_erasure_requires_a_session_user_or_tenant(client: TemporalClient, task_queue: str) -> None:
    async with playing(client, task_queue, Played()) as holdfast:
        with pytest.raises(BadInput, match="give the id of a session or user"):
            await holdfast.memory.erase("user", tenant="acme")
        with pytest.raises(BadInput, match="for a tenant give only its name"):
            await holdfast.memory.erase("tenant", "ann", tenant="acme")


async def test_maintenance_is_scheduled_changed_and_stopped(client: TemporalClient, task_queue: str) -> None:
    async with playing(client, task_queue, Played()) as holdfast:
        handle = client.get_schedule_handle(names.maintenance_id(task_queue))
        await holdfast.maintenance.schedule(timedelta(hours=1))
        await holdfast.maintenance.schedule(timedelta(hours=2))
        found = (await handle.describe()).schedule
        assert found.spec.intervals[0].every == timedelta(hours=2)
        assert found.policy.overlap == ScheduleOverlapPolicy.SKIP
        assert isinstance(found.action, ScheduleActionStartWorkflow)
        assert (found.action.workflow, found.action.task_queue) == (names.MAINTENANCE_WORKFLOW, task_queue)
        with pytest.raises(BadInput, match="the minimum is"):
            await holdfast.maintenance.schedule(timedelta(seconds=1))
        await holdfast.maintenance.schedule(None)
        await holdfast.maintenance.schedule(None)  # no schedule is left to remove
        with pytest.raises(RPCError):
            await handle.describe()


async def test_a_scheduled_run_of_maintenance_does_its_tasks(client: TemporalClient, task_queue: str) -> None:
    fake = FakeMemory()
    async with playing(client, task_queue, Played(), *fake.activities()) as holdfast:
        await holdfast.maintenance.schedule(timedelta(hours=1))
        handle = client.get_schedule_handle(names.maintenance_id(task_queue))
        await handle.trigger()

        async def ran() -> bool:
            return bool((await handle.describe()).info.recent_actions)

        await eventually(ran)
        action = (await handle.describe()).info.recent_actions[0].action
        report = await client.get_workflow_handle(getattr(action, "workflow_id", "")).result()
        assert [each["task"] for each in report["tasks"]] == [*EVERY_TASK]
        await holdfast.maintenance.schedule(None)


async def test_an_unknown_task_of_maintenance_is_refused(client: TemporalClient, task_queue: str) -> None:
    async with playing(client, task_queue, Played()) as holdfast:
        with pytest.raises(BadInput, match="is not a maintenance task"):
            await holdfast.maintenance.run("dust")  # type: ignore[arg-type]  # that is refused


async def test_memories_are_embedded_again_and_counted(client: TemporalClient, task_queue: str) -> None:
    fake = FakeMemory()
    async with playing(client, task_queue, Played(), *fake.activities()) as holdfast:
        assert (await holdfast.memory.migrate()).memories == 7
        assert (await holdfast.memory.stats()).waiting == 4


async def test_the_manifest_of_a_step_is_found_by_turn_and_step(
    client: TemporalClient, task_queue: str
) -> None:
    fake = FakeMemory(manifests=[manifest(3, 1, 1), manifest(5, 1, 2), FULL, manifest(11, 3, 1)])
    async with playing(client, task_queue, Played(), *fake.activities()) as holdfast:
        session = holdfast.session("s")
        assert [each.seq async for each in session.prompts()] == [3, 5, 9, 11]
        assert (await session.prompt()).seq == 11
        assert (await session.prompt(1, turn=2)).seq == 9
        assert (await session.prompt(2)).seq == 5
        with pytest.raises(NothingToDo):
            await session.prompt(3)


async def test_the_sync_client_manages_memories(client: TemporalClient, task_queue: str) -> None:
    fake = FakeMemory([MemoryView(id="1", text="it")], [FULL])
    address = client.service_client.config.target_host

    def use() -> None:
        with sync.connect(address, task_queue=task_queue) as holdfast:
            memory = holdfast.memory
            assert [each.id for each in memory.search("it")] == ["1"]
            assert memory.add("that", scope="tenant", id="2") == "2"
            assert [each.id for each in memory.list()] == ["1", "2"]
            assert memory.forget("2") == 1
            assert memory.stats().store == "embedded"
            assert memory.erase("user", "ann").memories == 3
            assert memory.migrate().model == "m"
            assert [each.task for each in holdfast.maintenance.run("expire").tasks] == ["expire"]
            holdfast.maintenance.schedule(None)
            session = holdfast.session("s")
            assert list(session.prompts()) == [session.prompt()] == [FULL]
            assert list(holdfast.sessions(user="nobody")) == []

    async with playing(client, task_queue, Played([says("Hello.")]), *fake.activities()):
        await asyncio.to_thread(use)
