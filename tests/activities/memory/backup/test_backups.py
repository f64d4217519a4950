"""Backups with memories: what they contain, when they are incomplete, and drills."""

from __future__ import annotations

import gzip
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from holdfast_activities.memory import Collection, MemoryStore
from holdfast_activities.memory.backup import reading
from holdfast_activities.memory.backup.reading import StoredMemories, stored_pages
from holdfast_activities.memory.backup.restoring import MemoryRestore, prove
from holdfast_activities.memory.embedded import open_embedded
from holdfast_activities.state import open_state
from holdfast_activities.state.backup.drill import drill
from holdfast_activities.state.backup.folder import dated, newest_good, thin
from holdfast_activities.state.backup.memories import Rows
from holdfast_activities.state.backup.restoring import restore, restore_memories
from holdfast_activities.state.backup.writing import back_up
from holdfast_activities.state.coordination.outbox import OutboxItem
from holdfast_activities.state.encryption.cipher import CLEAR, KeyCipher
from holdfast_temporal.encryption.keyring import Keyring
from holdfast_workflows.contracts.errors import BackupMissing, KeysMissing, MemoryUnavailable
from tests.temporal.encryption.keys import write_keys

from ..conformance.records import COLLECTION, OTHER, embed, fact
from .made import HOME, NUMBER, Open, expect_filled, fill, make_backup, state_url


@pytest.fixture
async def source(folder: Path) -> Open:
    """Opens a file with the records."""
    open_file = partial(open_embedded, folder / "memory.db", synchronous="NORMAL")
    store = await open_file()
    await store.begin(COLLECTION)
    await fill(store)
    await store.close()
    return open_file


async def test_a_drill_proves_the_memories_and_a_restore_brings_both_databases(
    source: Open, file: MemoryStore, folder: Path
) -> None:
    path = (await make_backup(folder, source)).path
    report = await drill(path, memories=prove)
    assert (report.faults, report.memories) == ([], NUMBER)
    url = f"sqlite:///{folder}/new.db"
    _, footer = await restore(path, url, MemoryRestore(file))
    assert (footer.rows, footer.memory_rows) == (1, NUMBER)
    await expect_filled(file)


async def test_memories_are_read_after_the_moment_of_the_database(
    source: Open, file: MemoryStore, folder: Path
) -> None:
    async def while_it_is_backed_up() -> MemoryStore:
        state, store = await open_state(state_url(folder)), await source()
        await state.outbox.add(OutboxItem(id="late", tenant="acme", session="", at=1.0, body="{}"))
        await store.put("acme", [fact("late")])
        await state.outbox.applied("late", 2.0)
        await state.close()
        return store

    path = (await make_backup(folder, while_it_is_backed_up)).path
    url = f"sqlite:///{folder}/new.db"
    await restore(path, url, MemoryRestore(file))
    assert [each.id for each in await file.get("acme", ["late"])] == ["late"]
    state = await open_state(url)
    assert await state.outbox.get("late") is None
    await state.close()


async def test_a_fact_that_replaces_a_later_one_during_the_backup_is_in_it(
    source: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PAGE", 1)
    store = await source()
    found = set[str]()
    async for tenant, page in stored_pages(store):
        found.update(each.id for each in page)
        if tenant == "acme" and found == {"f", "home"}:
            newer = replace(HOME, id="a", text="Ann lives in Rome.")
            await store.put("acme", [newer, replace(HOME, id="t1", superseded_by="a")])
    assert found == {"f", "home", "old", "t1", "t2", "a"}
    await store.close()


async def test_memories_that_are_embedded_again_during_the_backup_are_not_in_it(
    source: Open, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PAGE", 1)
    memories = StoredMemories(source, CLEAR)

    class Migrated:
        part = memories.part

        async def pages(self) -> AsyncGenerator[Rows]:
            async for page in memories.pages():
                yield page
                other = await source()
                if await other.collection() != OTHER:
                    await other.migrate(OTHER, embed)
                await other.close()

    made = await back_up(state_url(folder), folder / "backups", Migrated())
    assert "embedded or indexed again" in made.problem
    assert made.memories == 0


async def test_a_store_that_is_down_leaves_a_backup_of_the_database_that_no_drill_accepts(
    source: Open, file: MemoryStore, folder: Path
) -> None:
    async def down() -> MemoryStore:
        raise MemoryUnavailable("refused")

    place = folder / "backups"
    good = await make_backup(folder, source)
    [first] = dated(place)
    older = good.path.with_name(good.path.name.replace(good.path.name[18:26], "20200101"))
    good.path.rename(older)
    made = await make_backup(folder, down)
    assert [each.whole for each in dated(place)] == [False, True]
    assert first.whole
    [fault] = (await drill(place, memories=prove)).faults
    assert "has no memories" in fault
    assert "refused" in fault
    with pytest.raises(BackupMissing, match="refused"):
        await restore_memories(made.path, MemoryRestore(file))
    assert newest_good(place)[0] == made.path
    assert newest_good(place, whole=True)[0] == older
    # However old it is: no newer one has memories.
    assert thin(place, made.header.database, made.header.at, 14) == 0


async def test_encrypted_memories_stay_encrypted_in_the_backup(
    source: Open, file: MemoryStore, folder: Path
) -> None:
    write_keys(folder / "keys", "k1")
    cipher = KeyCipher(Keyring(f"file:{folder / 'keys'}"))
    path = (await make_backup(folder, source, cipher)).path
    content = gzip.decompress(path.read_bytes())
    assert b"Bern" not in content
    assert b"enc:1:k1:" in content
    report = await drill(path, memories=prove)
    assert report.faults[0].startswith("unreadable: memories")
    with pytest.raises(KeysMissing):
        await restore_memories(path, MemoryRestore(file))
    await restore_memories(path, MemoryRestore(file, cipher))
    await expect_filled(file)


async def test_a_store_without_any_memories_is_restored_as_it_is(file: MemoryStore, folder: Path) -> None:
    path = (await make_backup(folder, partial(open_embedded, folder / "none.db"))).path
    assert (await restore_memories(path, MemoryRestore(file)))[1] == 0
    assert await file.collection() == Collection()
