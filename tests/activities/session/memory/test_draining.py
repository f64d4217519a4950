"""Pending changes of memories are applied exactly once, by any worker, and never after an erasure."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, cast

import pytest

from holdfast_activities.memory import Change, FactDraft, Memories
from holdfast_activities.memory.outbox.applying import Applying
from holdfast_activities.memory.outbox.draining import Drainer
from holdfast_activities.state import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import ForgetMemories, MemoryQuery
from holdfast_workflows.contracts.errors import BadInput, EmbeddingFailed, MemoryUnavailable

from .memory_worker import WAIT, MemoryWorker, remembering


class ObservedMemories:
    """Memories that record the applied changes; ``between`` runs before each."""

    def __init__(self, worker: MemoryWorker) -> None:
        self.applied: list[str] = []
        self.broken: dict[str, Exception] = {}
        self.between: Any = None
        self.refused = asyncio.Event()
        self.goal = 0
        self.reached = asyncio.Event()
        self._worker = worker
        self._memory = worker.memory

    def __getattr__(self, name: str) -> Any:
        return getattr(self._memory, name)

    async def apply(self, change: Change) -> int:
        if change.id in self.broken:
            self.refused.set()
            raise self.broken[change.id]
        # On PostgreSQL the tests share the table, so changes of other tests are applied too.
        if change.id.startswith(self._worker.session):
            self.applied.append(change.id)
        if self.between:
            await self.between()
        count: int = await self._memory.apply(change)
        if len(self.applied) == self.goal:
            self.reached.set()
        return count


def applying(worker: MemoryWorker, memory: object) -> Applying:
    return Applying(worker.state.outbox, cast("Memories", memory))


def change(worker: MemoryWorker, n: int) -> Change:
    id = f"{worker.session}:{n}"
    fact = FactDraft(
        id=id,
        scope="user:ann",
        text=f"Fact number {n} of {worker.session}.",
        at=float(n),
        session=worker.session,
    )
    return Change(id=id, tenant=worker.tenant, at=float(n), facts=(fact,))


async def record_pending(worker: MemoryWorker, count: int) -> list[str]:
    """Record changes while the store is down; return their ids."""
    worker.memory.down = True
    for n in range(count):
        await applying(worker, worker.memory).record(change(worker, n), worker.session)
    worker.memory.down = False
    return [f"{worker.session}:{n}" for n in range(count)]


async def ids(worker: MemoryWorker) -> list[str]:
    page = await worker.memory.list(MemoryQuery(tenant=worker.tenant))
    return sorted(view.id for view in page.memories)


async def test_two_workers_at_once_apply_every_change_once(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        wanted = await record_pending(worker, 35)
        one, two = ObservedMemories(worker), ObservedMemories(worker)
        await asyncio.gather(applying(worker, one).drain(), applying(worker, two).drain())
        assert sorted(one.applied + two.applied) == sorted(wanted)
        assert await ids(worker) == sorted(wanted)


async def test_the_claim_of_a_dead_worker_is_applied_once(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        [id] = await record_pending(worker, 1)
        outbox = state.outbox
        claimed = await outbox.claim(now=1e12, seconds=-1e12, limit=10_000)
        assert id in [item.id for item in claimed]
        await worker.memory.apply(change(worker, 0))  # and then it died
        await worker.activities.drainer.poll()
        assert await ids(worker) == [id]
        item = await outbox.get(id)
        assert item is not None
        assert item.applied > 0


async def test_a_change_is_applied_at_once_if_the_store_answers(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        item = await applying(worker, worker.memory).record(change(worker, 1), worker.session)
        assert item is not None
        assert item.applied > 0
        assert item.body == ""
        assert await ids(worker) == [f"{worker.session}:1"]


async def test_a_change_that_cannot_be_applied_does_not_block_others(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        wanted = await record_pending(worker, 5)
        observed = ObservedMemories(worker)
        observed.broken = {
            wanted[0]: BadInput("no"),
            wanted[2]: ValueError("what is this?"),
            wanted[3]: EmbeddingFailed("the model takes no such text", retryable=False),
        }
        await applying(worker, observed).drain()
        assert await ids(worker) == [wanted[1], wanted[4]]
        item = await state.outbox.get(wanted[0])
        assert item is not None
        assert "no" in item.error
        await state.outbox.erase(session=worker.session)


async def test_changes_stay_pending_when_the_store_fails_midway(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        wanted = await record_pending(worker, 6)
        observed = ObservedMemories(worker)
        observed.broken = {wanted[3]: MemoryUnavailable("gone")}
        with pytest.raises(MemoryUnavailable):
            await applying(worker, observed).drain()
        assert await ids(worker) == wanted[:3]
        # The claims were released: another worker can claim all of them.
        await worker.activities.drainer.poll()
        assert await ids(worker) == wanted


async def test_a_session_erased_during_a_change_leaves_no_memory(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        await record_pending(worker, 1)
        observed = ObservedMemories(worker)

        async def erase() -> None:
            await state.erasing.begin(worker.session, 5.0)
            await worker.memory.erase(worker.tenant, session=worker.session)

        observed.between = erase
        await applying(worker, observed).drain()
        assert observed.applied
        assert await ids(worker) == []


@pytest.mark.parametrize("merged", [False, True])
async def test_a_repeated_change_does_not_restore_forgotten_memories(
    merged: bool, state: State, tmp_path: Path
) -> None:
    async with remembering(state, tmp_path) as worker:
        [waiting] = await record_pending(worker, 1)
        brought = change(worker, 0)
        if merged:
            [first] = brought.facts
            there = first.model_copy(update={"id": "there"})
            await worker.memory.apply(Change(id="there", tenant=worker.tenant, facts=(there,)))
        await worker.memory.apply(brought)  # and then its worker died, before it could say so
        [id] = await ids(worker)
        forget = ForgetMemories(ids=(id,), tenant=worker.tenant)
        assert await worker.run(names.FORGET_MEMORIES, forget) == 1
        await applying(worker, worker.memory).drain()
        assert await ids(worker) == []
        item = await state.outbox.get(waiting)
        assert item is not None
        assert item.applied > 0
        # Another tenant's memory of the same id is another memory.
        await worker.memory.apply(brought.model_copy(update={"tenant": f"{worker.tenant}-other"}))
        assert await state.outbox.forgotten(f"{worker.tenant}-other", [id]) == frozenset()


async def test_without_a_store_changes_wait_for_a_worker_that_has_one(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        without = Applying(state.outbox, None)
        item = await without.record(change(worker, 1), worker.session)
        assert item is not None
        assert not item.applied
        with pytest.raises(MemoryUnavailable):
            await without.drain()
        await worker.activities.drainer.poll()
        assert await ids(worker) == [f"{worker.session}:1"]


async def test_the_drainer_applies_pending_changes_and_drops_erased_sessions(
    state: State, tmp_path: Path
) -> None:
    async with remembering(state, tmp_path) as worker:
        wanted = await record_pending(worker, 3)
        observed = ObservedMemories(worker)
        observed.goal = len(wanted)
        dropped = asyncio.Event()

        def forget(session: str) -> None:
            if session == worker.session:
                dropped.set()

        drainer = Drainer(applying(worker, observed), state.outbox, state.erasing, forget, every=0.5)
        async with asyncio.timeout(WAIT), drainer.running():
            await observed.reached.wait()
            assert await ids(worker) == wanted
            assert not dropped.is_set()
            await state.erasing.session(worker.session, time.time())
            await dropped.wait()


async def test_the_drainer_survives_an_unavailable_store(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        wanted = await record_pending(worker, 2)
        observed = ObservedMemories(worker)
        observed.broken = {wanted[0]: MemoryUnavailable("gone")}
        observed.goal = len(wanted)
        drainer = Drainer(applying(worker, observed), state.outbox, state.erasing, lambda _: None, every=0.05)
        async with asyncio.timeout(WAIT), drainer.running():
            await observed.refused.wait()
            observed.broken = {}
            await observed.reached.wait()
        assert await ids(worker) == wanted
