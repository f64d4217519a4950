"""Every store's memories are backed up and restored into any other; a damaged backup is found."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from holdfast_activities.memory import MemoryStore
from holdfast_activities.memory.backup.restoring import MemoryRestore, prove
from holdfast_activities.memory.embedded import open_embedded
from holdfast_activities.state.backup.drill import drill
from holdfast_activities.state.backup.folder import check
from holdfast_activities.state.backup.restoring import restore_memories
from holdfast_workflows.contracts.errors import BackupDamaged

from ..conformance.records import COLLECTION
from ..conftest import Stores
from .made import NUMBER, damage, expect_filled, fill, make_backup


async def test_the_memories_of_a_store_are_restored_elsewhere_unless_damaged(
    store: MemoryStore, stores: Stores, file: MemoryStore, folder: Path
) -> None:
    await fill(store)
    made = await make_backup(folder, stores.open)
    assert (made.problem, made.memories) == ("", NUMBER)
    kept = check(made.path)[1].memories
    assert kept
    assert (kept.store, kept.model, kept.dimension) == (store.name, COLLECTION.model, COLLECTION.dimension)
    whole = made.path.read_bytes()
    damage(made.path, b"lives in Bern", b"lives in Rome")
    with pytest.raises(BackupDamaged, match="checksum"):
        await restore_memories(made.path, MemoryRestore(file))
    [fault] = (await drill(made.path, memories=prove)).faults
    assert "checksum" in fault
    assert await file.tenants() == []
    made.path.write_bytes(whole)
    await restore_memories(made.path, MemoryRestore(file))
    await expect_filled(file)


async def test_a_backup_is_restored_into_a_store_and_again_without_a_change(
    file: MemoryStore, stores: Stores, folder: Path
) -> None:
    await file.begin(COLLECTION)
    await fill(file)
    path = (await make_backup(folder, partial(open_embedded, folder / "other.db"))).path
    target = await stores.open()
    for _ in range(2):
        _, found = await restore_memories(path, MemoryRestore(target))
        assert found == NUMBER
        await expect_filled(target)
    assert (await target.collection(), await target.indexing()) == (COLLECTION, 1)
    # What an interrupted restore has not written yet.
    await target.delete("acme", ["home"])
    await restore_memories(path, MemoryRestore(target))
    await expect_filled(target)
