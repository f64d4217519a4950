"""The file itself: making it, failing, its size, and that what was erased is not in it."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from holdfast_activities.memory import Collection, Filter, Vector
from holdfast_activities.memory.embedded import open_embedded
from holdfast_activities.memory.embedded.schema import prepare
from holdfast_workflows.contracts.errors import EmbeddingMismatch, MemoryFailed, MemoryUnavailable

from ..conformance.records import COLLECTION, OTHER, angle, embed, fact, ids
from .conftest import Open

SECRET = "the passphrase is swordfish"


async def test_the_folder_and_the_file_are_made(path: Path, open_store: Open) -> None:
    store = await open_store(begin=False)
    assert store.name == "embedded"
    assert path.is_file()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


async def test_many_may_open_a_new_file_together(path: Path, open_store: Open) -> None:
    stores = await asyncio.gather(*(open_store() for _ in range(8)))
    await asyncio.gather(*(store.put("acme", [fact(f"{n}")]) for n, store in enumerate(stores)))
    assert len(await stores[0].list("acme", Filter())) == 8


@pytest.mark.parametrize("format_", [1, 99])
async def test_a_file_of_another_format_is_refused(path: Path, format_: int) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {format_}")
    with pytest.raises(MemoryUnavailable, match=f"its format is {format_}, .* move the file away"):
        await open_embedded(path)


async def test_a_database_of_something_else_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (x)")
    with pytest.raises(MemoryUnavailable, match="its format is 0"):
        await open_embedded(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("other",)]


async def test_what_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("this is no database, but a text that is long enough to be taken for one" * 20)
    with pytest.raises(MemoryUnavailable, match="not a database"):
        await open_embedded(path)


async def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MemoryUnavailable):
        await open_embedded(tmp_path / "file" / "memory.db")


def test_making_a_file_waits_for_another_program_that_makes_it_too(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(MemoryUnavailable, match="locked"):
            prepare(path, "FULL", 0.1)
        other.execute("COMMIT")
        prepare(path, "FULL", 0.1)


async def test_a_write_that_waits_too_long_for_another_program_is_unavailable_and_works_later(
    path: Path, open_store: Open
) -> None:
    store = await open_store(busy_seconds=0.05)
    await store.put("acme", [fact("a", "word", angle(0))])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(MemoryUnavailable, match="locked"):
            await store.put("acme", [fact("b")])
        # Reading waits for nobody.
        assert ids(await store.by_vector("acme", angle(0), Filter(), 10)) == ["a"]
        other.execute("COMMIT")
    await store.put("acme", [fact("b")])
    assert ids(await store.list("acme", Filter())) == ["a", "b"]


async def test_a_closed_store_is_unavailable(open_store: Open) -> None:
    store = await open_store()
    await store.close()
    await store.close()
    with pytest.raises(MemoryUnavailable, match="closed"):
        await store.list("acme", Filter())
    with pytest.raises(MemoryUnavailable, match="closed"):
        await store.put("acme", [fact("a")])


async def test_vectors_take_two_bytes_a_number(path: Path, open_store: Open) -> None:
    store = await open_store(begin=False)
    await store.begin(Collection("large", 384))
    random = np.random.default_rng(1)
    vectors = random.normal(size=(10_000, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    await store.put("acme", [fact(f"{number}", "", vector) for number, vector in enumerate(vectors)])
    # 7.3 MB are the vectors' own; with the records of such short texts and their indexes it is twice that at most.
    assert 7.3 <= (await store.counts()).bytes / 2**20 <= 12


async def test_optimising_gives_back_what_was_erased(path: Path, open_store: Open) -> None:
    store = await open_store()
    await store.put("acme", [replace(fact(f"{n}"), text="long text " * 100) for n in range(2_000)])
    await store.put("other", [fact("a")])
    await store.erase("acme")
    before = (await store.counts()).bytes
    given_back = await store.optimise()
    assert given_back > 1_500_000
    assert path.stat().st_size == (await store.counts()).bytes == before - given_back
    assert await store.optimise() == 0


def contents(path: Path) -> bytes:
    """All that is on disk, write-ahead log and all."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))


@pytest.mark.parametrize("whole", [True, False], ids=["tenant", "filter"])
async def test_what_was_erased_is_nowhere_in_the_file(path: Path, open_store: Open, whole: bool) -> None:
    store = await open_store()
    secrets = [
        replace(fact(f"{n}", "swordfish", angle(n)), text=SECRET, speaker="Ann Onym") for n in range(50)
    ]
    await store.put("acme", [fact("before"), *secrets, fact("keep", "other")])
    assert SECRET.encode() in contents(path)
    await store.erase("acme", None if whole else Filter(before=2_000.0))
    await store.optimise()
    for trace in (SECRET, "swordfish", "Ann Onym"):
        assert trace.encode() not in contents(path)


async def test_without_secure_deletion_it_would_still_be_there(path: Path, open_store: Open) -> None:
    store = await open_store()
    secrets = [replace(fact(f"{n}", "swordfish", angle(n)), text=SECRET) for n in range(50)]
    await store.put("acme", [fact("before"), *secrets])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("DELETE FROM records WHERE words = 'swordfish'")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert SECRET.encode() in contents(path)


async def test_of_two_migrations_the_later_goes_on(open_store: Open) -> None:
    store, other = await open_store(), await open_store(begin=False)
    await store.put("acme", [fact("a", "", angle(0))])

    async def overtaken(texts: Sequence[str]) -> Sequence[Vector]:
        assert await other.migrate(OTHER, embed) == 1
        return [angle(90) for _ in texts]

    with pytest.raises(MemoryFailed, match="another migration"):
        await store.migrate(Collection("third-model", 8), overtaken)
    assert await other.collection() == OTHER
    assert len(await other.by_vector("acme", angle(0), Filter(), 10)) == 1


async def test_a_store_may_be_migrated_to_words_only(open_store: Open) -> None:
    store = await open_store()
    await store.put("acme", [fact("a", "word", angle(0))])
    assert await store.migrate(Collection(), embed) == 0
    assert await store.collection() == Collection()
    assert (await store.get("acme", ["a"]))[0].vector is None
    assert ids(await store.by_words("acme", ["word"], Filter(), 10)) == ["a"]


async def test_after_a_mismatch_this_process_can_neither_put_nor_compare_vectors(open_store: Open) -> None:
    await (await open_store()).put("acme", [fact("a", "word", angle(0))])
    late = await open_store(begin=False)
    for _ in range(2):
        with pytest.raises(EmbeddingMismatch):
            await late.begin(OTHER)
        with pytest.raises(EmbeddingMismatch):
            await late.put("acme", [fact("b", "", angle(0))])
        with pytest.raises(EmbeddingMismatch):
            await late.by_vector("acme", angle(0), Filter(), 10)
    assert ids(await late.by_words("acme", ["word"], Filter(), 10)) == ["a"]
    await late.begin(COLLECTION)
    assert ids(await late.by_vector("acme", angle(0), Filter(), 10)) == ["a"]
