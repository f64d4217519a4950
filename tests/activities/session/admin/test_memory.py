"""What people see and change of memories, and of how prompts were made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from holdfast_activities.state import State
from holdfast_activities.state.log.extras import LogExtras
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import (
    AddMemory,
    ForgetMemories,
    MemoryPage,
    MemoryQuery,
    MemoryStats,
    MigrateInput,
)
from holdfast_workflows.contracts.limits import MAX_PAYLOAD
from holdfast_workflows.contracts.session.manifests import Manifest, Manifests, ReadManifests

from ..memory.memory_worker import MemoryWorker, remembering


async def add(worker: MemoryWorker, id: str, text: str, **more: Any) -> int:
    fields: dict[str, Any] = {"scope": "user:ann", "by": "bob"} | more
    request = AddMemory(id=id, text=text, tenant=worker.tenant, **fields)
    count: int = await worker.run(names.ADD_MEMORY, request)
    return count


async def find(worker: MemoryWorker, text: str = "", **more: Any) -> MemoryPage:
    page: MemoryPage = await worker.run(
        names.SEARCH_MEMORY, MemoryQuery(tenant=worker.tenant, text=text, **more)
    )
    return page


async def test_a_memory_of_an_operator_is_found_counted_and_forgotten(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        assert await add(worker, "a", "Ann takes her tea with lemon.", topic="tea") == 1
        assert await add(worker, "b", "Ann has a dog.") == 1
        (found,) = (await find(worker, "How does Ann take her tea?")).memories
        assert (found.id, found.trust, found.sources, found.topic) == (
            "a",
            "operator",
            ("person:bob",),
            "tea",
        )
        assert found.score >= 0.3
        assert [view.id for view in (await find(worker)).memories] == ["a", "b"]
        stats: MemoryStats = await worker.run(names.MEMORY_STATS)
        assert (stats.store, stats.facts, stats.tenants) == ("embedded", 2, 1)
        forget = ForgetMemories(ids=("a", "x"), tenant=worker.tenant)
        assert await worker.run(names.FORGET_MEMORIES, forget) == 1
        assert await worker.run(names.FORGET_MEMORIES, forget) == 0


async def test_pages_follow_each_other(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        for n in range(5):
            await add(worker, f"m{n}", f"Ann owns thing number {n}.")
        first = await find(worker, limit=3)
        assert first.more
        rest = await find(worker, limit=3, after=first.memories[-1].id)
        assert not rest.more
        assert [view.id for view in first.memories + rest.memories] == [f"m{n}" for n in range(5)]


async def test_a_page_fits_one_payload(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        for n in range(200):
            # Of characters that take four bytes each, and no two alike.
            await add(
                worker, f"m{n:03}", f"{n} " + "".join(chr(0x1F300 + (n * 7 + i) % 600) for i in range(3_900))
            )
        page = await find(worker, limit=500)
        assert page.more
        assert MAX_PAYLOAD // 2 < len(page.model_dump_json().encode()) <= MAX_PAYLOAD * 1.05


async def test_waiting_turns_are_counted(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        before = (await worker.run(names.MEMORY_STATS)).waiting
        worker.memory.down = True
        await worker.run(names.REMEMBER_TURN, await worker.turn(1, "I have a dog.", "Noted."))
        worker.memory.down = False
        assert (await worker.run(names.MEMORY_STATS)).waiting == before + 1
        await state.outbox.erase(session=worker.session)


async def test_operators_get_an_error_at_once_if_the_store_is_down(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        worker.memory.down = True
        for call in (find(worker), add(worker, "a", "x"), worker.run(names.MIGRATE_MEMORY, MigrateInput())):
            with pytest.raises(ApplicationError) as refused:
                await call
            assert refused.value.type == "memory_unavailable"


async def test_a_memory_without_a_scope_is_refused(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        with pytest.raises(ApplicationError) as refused:
            await add(worker, "a", "x", scope="")
        assert refused.value.type == "bad_input"


async def test_manifests_are_read_in_pages(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        made = [
            Manifest(
                session=worker.session, seq=seq, turn=1, step=seq, model="openai:m", context_window=8_000, reserve=1_600,
                budget=6_400, estimated=100, at=1.0,
            )
            for seq in (2, 4, 6)
        ]  # fmt: skip
        for each in made:
            await state.log.settle_with(worker.session, [], LogExtras(manifest=each))
        first: Manifests = await worker.run(
            names.READ_MANIFESTS, ReadManifests(session=worker.session, limit=2)
        )
        assert (first.manifests, first.more) == (tuple(made[:2]), True)
        rest = await worker.run(names.READ_MANIFESTS, ReadManifests(session=worker.session, after=4))
        assert (rest.manifests, rest.more) == ((made[2],), False)
        one = await worker.run(names.READ_MANIFESTS, ReadManifests(session=worker.session, seq=4))
        assert one.manifests == (made[1],)
