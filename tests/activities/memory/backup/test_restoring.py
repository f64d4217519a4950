"""Restoring memories: other embedding models, stores that are not empty, and what was erased since."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from holdfast_activities.memory import Collection, MemoryStore
from holdfast_activities.memory.backup.erasures import erase_again
from holdfast_activities.memory.backup.restoring import MemoryRestore
from holdfast_activities.memory.embedded import open_embedded
from holdfast_activities.state import State, open_state
from holdfast_activities.state.backup.restoring import restore, restore_memories
from holdfast_workflows.contracts.control.audit import AuditRecord
from holdfast_workflows.contracts.errors import (
    EmbeddingFailed,
    EmbeddingMismatch,
    MemoriesNotEmpty,
    StateNotEmpty,
)
from holdfast_workflows.contracts.operations.retention import SetRetention

from ...state.retention.ended import NOW, ended
from ..conformance.records import COLLECTION, OTHER, fact, ids
from ..keeper import Axes
from .made import NUMBER, RECORDS, expect_filled, fill, make_backup, state_url


@pytest.fixture
async def path(folder: Path) -> Path:
    """A backup with the records."""
    open_file = partial(open_embedded, folder / "memory.db", synchronous="NORMAL")
    store = await open_file()
    await store.begin(COLLECTION)
    await fill(store)
    await store.close()
    return (await make_backup(folder, open_file)).path


@pytest.fixture
async def state(folder: Path) -> AsyncIterator[State]:
    """The state database, which goes on after the backup."""
    opened = await open_state(state_url(folder))
    yield opened
    await opened.close()


async def test_memories_get_vectors_of_another_embedding_model(path: Path, file: MemoryStore) -> None:
    axes = Axes()
    await restore_memories(path, MemoryRestore(file, embedder=axes))
    assert await file.collection() == Collection("axes", 16)
    await expect_filled(file, vectors=False)
    found = await file.get("acme", [each.id for each in RECORDS["acme"]])
    assert all(each.vector is not None for each in found)
    assert len(axes.asked) == NUMBER


async def test_an_embedder_that_fails_is_asked_for_the_rest_only_by_the_next_restore(
    path: Path, file: MemoryStore
) -> None:
    await file.begin(Collection("axes", 16))
    axes = Axes()
    axes.down = True
    with pytest.raises(EmbeddingFailed):
        await restore_memories(path, MemoryRestore(file, embedder=axes))
    axes.down = False
    await restore_memories(path, MemoryRestore(file, embedder=axes))
    axes.down = True
    await restore_memories(path, MemoryRestore(file, embedder=axes))
    await expect_filled(file, vectors=False)


async def test_vectors_of_the_same_model_are_not_computed_again(path: Path, file: MemoryStore) -> None:
    axes = Axes(COLLECTION.model, COLLECTION.dimension)
    await restore_memories(path, MemoryRestore(file, embedder=axes))
    assert axes.asked == []
    await expect_filled(file)


async def test_without_an_embedder_by_wish_memories_have_no_vectors(path: Path, file: MemoryStore) -> None:
    await restore_memories(path, MemoryRestore(file, words_only=True))
    assert await file.collection() == Collection()
    await expect_filled(file, vectors=False)


async def test_a_store_begun_for_another_model_is_refused(path: Path, file: MemoryStore) -> None:
    await file.begin(OTHER)
    with pytest.raises(EmbeddingMismatch):
        await restore_memories(path, MemoryRestore(file))


async def test_a_store_with_other_memories_is_left_as_it_is(path: Path, file: MemoryStore) -> None:
    await file.begin(COLLECTION)
    await file.put("acme", [fact("home", "changed")])
    with pytest.raises(MemoriesNotEmpty, match="1 memories"):
        await restore_memories(path, MemoryRestore(file))
    assert ids(await file.get("acme", ["home", "old"])) == ["home"]


async def test_no_memories_are_written_beside_a_database_with_content(
    path: Path, file: MemoryStore, folder: Path
) -> None:
    with pytest.raises(StateNotEmpty):
        await restore(path, state_url(folder), MemoryRestore(file))
    assert await file.tenants() == []


@pytest.mark.parametrize(
    ("subject", "left"),
    [("user ann", {"t1", "t2", "f"}), ("tenant", {"f"}), ("session s", {"f"}), ("", None)],
)
async def test_what_was_erased_since_does_not_come_back_with_the_memories_alone(
    subject: str, left: set[str] | None, path: Path, file: MemoryStore, state: State
) -> None:
    header, _ = await restore_memories(path, MemoryRestore(file))
    if subject:
        record = AuditRecord(id="e", kind="erasure", action="erased", tenant="acme", subject=subject)
        await state.append_audit(record.model_copy(update={"at": header.at + 1}))
    gone = await erase_again(file, state, header.at)
    found = {
        each.id for tenant in RECORDS for each in await file.get(tenant, [e.id for e in RECORDS[tenant]])
    }
    assert found == (left or {each.id for some in RECORDS.values() for each in some})
    assert gone == NUMBER - len(found)


async def test_sessions_of_an_erased_user_do_not_come_back(
    path: Path, file: MemoryStore, state: State
) -> None:
    header, _ = await restore_memories(path, MemoryRestore(file))
    await state.erasing.begin("s", header.at + 1)
    record = AuditRecord(id="e", kind="erasure", action="erased", tenant="acme", subject="user bob")
    await state.append_audit(record.model_copy(update={"at": header.at + 1}))
    # With the facts that were drawn from it alone.
    assert await erase_again(file, state, header.at) == 4


async def test_memories_of_sessions_that_retention_removed_come_back(
    path: Path, file: MemoryStore, state: State
) -> None:
    header, _ = await restore_memories(path, MemoryRestore(file))
    await ended(state, "s", tenant="acme", days=2)
    await state.retention_rules.set(SetRetention(kind="session", days=1, tenant="acme"))
    rules = await state.retention_rules.load()
    assert tuple(await state.retention.remove("s", rules, NOW)) == ("session",)
    record = AuditRecord(id="e", kind="erasure", action="erased", tenant="acme", subject="user bob")
    await state.append_audit(record.model_copy(update={"at": header.at + 1}))
    assert await erase_again(file, state, header.at) == 0
