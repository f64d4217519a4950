"""Backups with memories, for tests."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from holdfast_activities.memory import Filter, MemoryStore, Record
from holdfast_activities.memory.backup.comparing import count
from holdfast_activities.memory.backup.reading import StoredMemories
from holdfast_activities.state.backup.writing import Backup, back_up
from holdfast_activities.state.encryption.cipher import CLEAR, Cipher

from ..conformance.records import FACT, angle, fact, turn

Open = Callable[[], Awaitable[MemoryStore]]

HOME = replace(
    FACT, id="home", text="Ann lives in Bern. \u00e9\u2028", scope="user:ann", speaker="Ann", topic="home", words="live bern",
    sources=("t1", "t2"), importance=0.9, trust="operator", expires=9e9, used=5.5, uses=3, vector=angle(20),
)  # fmt: skip
RECORDS: dict[str, list[Record]] = {
    "acme": [
        HOME,
        replace(HOME, id="old", text="Ann lives in Basel.", superseded_by="home", vector=angle(70)),
        turn("t1", "s", 1),
        replace(turn("t2", "s", 2), kind="episode", expires=1.0, vector=angle(45)),
    ],
    "": [fact("f", "word", angle(10))],
}
NUMBER = 5


async def fill(store: MemoryStore) -> None:
    """Write the records."""
    for tenant, records in RECORDS.items():
        await store.put(tenant, records)
    await store.set_indexing(1)


async def make_backup(folder: Path, open_store: Open, cipher: Cipher = CLEAR) -> Backup:
    """Back up the state database of the folder with the memories of a store."""
    return await back_up(state_url(folder), folder / "backups", StoredMemories(open_store, cipher))


def state_url(folder: Path) -> str:
    """The URL of the state database of a folder."""
    return f"sqlite:///{folder / 'state.db'}"


async def expect_filled(store: MemoryStore, *, vectors: bool = True) -> None:
    """The store has the records, and no others."""
    for tenant, records in RECORDS.items():
        found = await store.get(tenant, [each.id for each in records])
        assert found == records
        if vectors:
            assert [each.vector is None for each in found] == [each.vector is None for each in records]
            [hit] = await store.by_vector(tenant, angle(11 if tenant == "" else 21), Filter(), 1)
            assert hit.record.id == ("f" if tenant == "" else "home")
    assert await count(store) == NUMBER


def damage(path: Path, old: bytes, new: bytes) -> None:
    """Change the content of a backup, and compress it again."""
    content = gzip.decompress(path.read_bytes())
    assert old in content
    path.write_bytes(gzip.compress(content.replace(old, new)))
