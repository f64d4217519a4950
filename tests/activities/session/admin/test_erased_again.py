"""What was erased stays erased, also where a write that was given up lands afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from holdfast_activities.memory import Change, FactDraft, Memories, MemoryStore, Record, TurnDraft
from holdfast_activities.memory.embedded import open_embedded
from holdfast_activities.memory.outbox import applying as module
from holdfast_activities.memory.outbox.applying import Applying
from holdfast_activities.state import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import EraseInput, EraseKind, MemoryQuery
from holdfast_workflows.contracts.errors import MemoryUnavailable

from ..memory.memory_worker import WAIT, MemoryWorker, remembering


class Late:
    """A store whose puts are given up by who asked for them, and done when ``land`` is called."""

    def __init__(self, store: MemoryStore) -> None:
        self.begun = asyncio.Event()
        self.given_up = asyncio.Event()
        self._store = store
        self._puts: list[tuple[str, Sequence[Record]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def put(self, tenant: str, records: Sequence[Record]) -> None:
        self._puts.append((tenant, records))
        self.begun.set()
        await self.given_up.wait()
        raise MemoryUnavailable("no answer within 10 s")

    async def land(self) -> None:
        for tenant, records in self._puts:
            await self._store.put(tenant, records)


class OtherWorker:
    """Another worker on the same memories, whose writes are late."""

    def __init__(self, worker: MemoryWorker, store: MemoryStore) -> None:
        self.store = Late(store)
        self.memories = Memories(cast("MemoryStore", self.store))
        self.applying = Applying(worker.state.outbox, self.memories)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat erasures at the next poll."""
    monkeypatch.setattr(module, "LATE", 0.0)


@pytest.fixture
async def worker(state: State, tmp_path: Path) -> AsyncIterator[MemoryWorker]:
    async with remembering(state, tmp_path) as worker:
        await worker.digest()
        yield worker


@pytest.fixture
async def other(worker: MemoryWorker, tmp_path: Path) -> AsyncIterator[OtherWorker]:
    other = OtherWorker(worker, await open_embedded(tmp_path / "memory.db", synchronous="NORMAL"))
    yield other
    await other.memories.close()


def fact_change(worker: MemoryWorker, number: int = 1) -> Change:
    """A change with an old turn and fact of the session."""
    id, scope = f"{worker.session}:{number}", "user:ann"
    turn = TurnDraft(id=id, scope=scope, text=f"Turn {number}.", at=9.0, session=worker.session, place=number)
    fact = FactDraft(
        id=f"{id}:fact:0", scope=scope, text="Ann has a dog.", at=9.0, session=worker.session, sources=(id,)
    )
    return Change(id=id, tenant=worker.tenant, at=9.0, turns=(turn,), facts=(fact,))


async def erase(worker: MemoryWorker, kind: EraseKind) -> None:
    id = {"session": worker.session, "user": "ann", "tenant": ""}[kind]
    await worker.run(names.ERASE, EraseInput(kind=kind, id=id, tenant=worker.tenant))


async def ids(worker: MemoryWorker) -> list[str]:
    page = await worker.memory.list(MemoryQuery(tenant=worker.tenant, superseded=True))
    return [view.id for view in page.memories]


@pytest.mark.parametrize("kind", ["session", "user", "tenant"])
async def test_a_late_write_is_erased(kind: EraseKind, worker: MemoryWorker, other: OtherWorker) -> None:
    async with asyncio.timeout(WAIT), asyncio.TaskGroup() as tasks:
        tasks.create_task(other.applying.record(fact_change(worker), worker.session))
        await other.store.begun.wait()
        await erase(worker, kind)
        other.store.given_up.set()
    await other.store.land()
    assert len(await ids(worker)) == 2  # as feared
    await worker.activities.drainer.poll()
    assert await ids(worker) == []


@pytest.mark.parametrize("kind", ["session", "user", "tenant"])
async def test_memories_stored_after_the_erasure_stay(kind: EraseKind, worker: MemoryWorker) -> None:
    await worker.memory.apply(fact_change(worker))
    await erase(worker, kind)
    assert await ids(worker) == []
    # Of the same words, and said as long ago: somebody has begun anew, from the same documents.
    await worker.memory.apply(fact_change(worker))
    await worker.activities.drainer.poll()
    assert len(await ids(worker)) == 2


async def test_a_fact_superseded_by_a_late_one_is_valid_again(
    worker: MemoryWorker, other: OtherWorker
) -> None:
    cat = FactDraft(id="cat", scope="user:ann", text="Ann has a cat.", at=1.0, topic="pet")
    await worker.memory.apply(Change(id="cat", tenant=worker.tenant, facts=(cat,)))
    change = fact_change(worker)
    dog = change.facts[0].model_copy(update={"topic": "pet"})
    async with asyncio.timeout(WAIT), asyncio.TaskGroup() as tasks:
        tasks.create_task(other.applying.record(change.model_copy(update={"facts": (dog,)}), worker.session))
        await other.store.begun.wait()
        await erase(worker, "session")
        other.store.given_up.set()
    await other.store.land()
    await worker.activities.drainer.poll()
    [view] = (await worker.memory.list(MemoryQuery(tenant=worker.tenant))).memories
    assert (view.id, view.superseded_by) == ("cat", "")


async def test_a_claimed_change_of_an_erased_session_is_not_applied(
    worker: MemoryWorker, state: State, tmp_path: Path
) -> None:
    worker.memory.down = True
    applying = Applying(state.outbox, cast("Memories", worker.memory))
    for number in range(3):
        await applying.record(fact_change(worker, number), worker.session)
    worker.memory.down = False
    begun: list[str] = []

    class RecordingMemories:
        def __getattr__(self, name: str) -> Any:
            return getattr(worker.memory, name)

        async def apply(self, change: Change) -> int:
            if change.id.startswith(worker.session):  # on PostgreSQL the tests share the table
                begun.append(change.id)
                await erase(worker, "session")
            count: int = await worker.memory.apply(change)
            return count

    await Applying(state.outbox, cast("Memories", RecordingMemories())).drain()
    assert begun == [f"{worker.session}:0"]
    assert await ids(worker) == []


async def test_a_repeated_erasure_keeps_new_memories(worker: MemoryWorker, state: State) -> None:
    await erase(worker, "tenant")
    await worker.memory.apply(fact_change(worker))

    class RecordingMemories:
        def __getattr__(self, name: str) -> Any:
            return getattr(worker.memory, name)

        async def erase(self, tenant: str, **what: Any) -> int:
            if tenant == worker.tenant:
                await state.outbox.erase(tenant=tenant)
            count: int = await worker.memory.erase(tenant, **what)
            return count

    await Applying(state.outbox, cast("Memories", RecordingMemories())).drain()
    assert len(await ids(worker)) == 2
