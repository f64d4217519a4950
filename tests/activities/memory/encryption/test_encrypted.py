"""What the encrypted store adds to the conformance suite, which it passes as every store."""

import sqlite3
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import numpy as np
import pytest

from holdfast_activities.memory import make_memories
from holdfast_activities.memory.base import Filter
from holdfast_activities.memory.embedded import open_embedded, open_postgres
from holdfast_activities.memory.encryption.encrypted import EncryptedStore
from holdfast_activities.state.encryption.cipher import KeyCipher
from holdfast_activities.state.setup.location import PostgresLocation, locate
from holdfast_temporal.encryption.key_file import Key
from holdfast_temporal.encryption.keyring import Keyring
from holdfast_workflows.contracts.errors import (
    ClearRefused,
    DecryptionFailed,
    KeyUnknown,
    MemoryUnavailable,
    SettingsInvalid,
)
from tests.activities.memory.conformance.records import COLLECTION, fact, vector
from tests.postgres_server import PostgresServer
from tests.temporal.encryption.keys import write_keys

HOME = replace(
    fact("f1"),
    text="zanzibar is home",
    topic="quokkatopic",
    words="zanzibar home",
    speaker="ophelia",
    vector=vector(1, 2, 3),
)


def cipher(folder: Path, *, accept_clear: bool = False) -> KeyCipher:
    return KeyCipher(Keyring(f"file:{folder}/keys"), accept_clear=accept_clear)


@asynccontextmanager
async def opened(
    folder: Path, *, accept_clear: bool = False, clear: bool = False
) -> AsyncGenerator[EncryptedStore]:
    """The store of a folder under the keys of the folder; ``clear`` fills it without keys first."""
    path = folder / "memory.db"
    if clear:
        store = await open_embedded(path)
        await store.begin(COLLECTION)
        await store.put("acme", [HOME])
        await store.close()
    used = cipher(folder, accept_clear=accept_clear)
    encrypted = EncryptedStore(await open_embedded(path, cipher=used), used)
    await encrypted.begin(COLLECTION)
    yield encrypted
    await encrypted.close()


async def found(store: EncryptedStore) -> list[str]:
    """The ids that each way of looking finds."""
    return [
        *(hit.record.text for hit in await store.by_words("acme", ["zanzibar"], Filter(), 5)),
        *(hit.record.text for hit in await store.by_vector("acme", vector(1, 2, 3), Filter(), 5)),
        *(record.text for record in await store.list("acme", Filter(topic="quokkatopic"))),
    ]


async def rewritten(store: EncryptedStore) -> int:
    """Encrypt everything again, two records at a time."""
    after, changed = "", 0
    while True:
        after, some = await store.encrypt_again("acme", after, 2)
        changed += some
        if not after:
            return changed


async def test_no_word_and_no_vector_is_in_the_file(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", "k1")
    async with opened(tmp_path) as store:
        await store.put("acme", [HOME])
        assert await found(store) == ["zanzibar is home"] * 3
        [read] = await store.get("acme", ["f1"])
        assert (read.speaker, read.topic, read.words) == ("ophelia", "quokkatopic", "zanzibar home")
    content = b"".join(each.read_bytes() for each in tmp_path.glob("memory.db*"))
    for word in (b"zanzibar", b"ophelia", b"quokkatopic", vector(1, 2, 3).astype(np.float16).tobytes()):
        assert word not in content


async def test_one_word_has_another_hash_in_another_tenant(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", "k1")
    async with opened(tmp_path) as store:
        await store.put("acme", [HOME])
        await store.put("other", [HOME])
        assert [hit.record.id for hit in await store.by_words("other", ["zanzibar"], Filter(), 5)] == ["f1"]
    rows = sqlite3.connect(tmp_path / "memory.db").execute("SELECT term FROM postings").fetchall()
    assert len(set(rows)) == 4


async def test_memories_of_an_older_key_are_found_and_encrypted_again(tmp_path: Path) -> None:
    old = write_keys(tmp_path / "keys", "k1")
    async with opened(tmp_path) as store:
        await store.put("acme", [replace(HOME, id=f"f{n}", topic=f"t{n}") for n in range(2, 6)])
        await store.put("acme", [HOME])
    keys: dict[str, Key] = write_keys(tmp_path / "keys", "k2", "k1", keep=old)
    async with opened(tmp_path) as store:
        assert (await store.using("k1"), await store.using("k2")) == (5, 0)
        assert len(await store.by_words("acme", ["zanzibar"], Filter(), 9)) == 5
        assert [each.id for each in await store.list("acme", Filter(topic="quokkatopic"))] == ["f1"]
        assert await rewritten(store) == 5
        assert (await store.using("k1"), await store.using("k2")) == (0, 5)
        assert await rewritten(store) == 0
    write_keys(tmp_path / "keys", "k2", keep=keys)
    async with opened(tmp_path) as store:
        assert len(await store.by_words("acme", ["zanzibar"], Filter(), 9)) == 5
        assert len(await store.by_vector("acme", vector(1, 2, 3), Filter(), 9)) == 5
        assert [each.text for each in await store.list("acme", Filter(topic="quokkatopic"))] == [HOME.text]


async def test_a_memory_that_was_deleted_meanwhile_stays_deleted(tmp_path: Path) -> None:
    old = write_keys(tmp_path / "keys", "k1")
    async with opened(tmp_path) as store:
        await store.put("acme", [HOME])
        write_keys(tmp_path / "keys", "k2", "k1", keep=old)
    async with opened(tmp_path) as store, opened(tmp_path) as other:
        assert len(await store.list("acme", Filter())) == 1
        await other.delete("acme", ["f1"])
        await store.reword("acme", {"f1": "zanzibar"})
        assert await rewritten(store) == 0
        assert await store.get("acme", ["f1"]) == []


async def test_clear_memories_are_refused_or_accepted_and_encrypted(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", "k1")
    async with opened(tmp_path, clear=True) as store:
        with pytest.raises(ClearRefused):
            await store.list("acme", Filter())
    async with opened(tmp_path, accept_clear=True) as store:
        assert await found(store) == [HOME.text] * 3
        assert await rewritten(store) == 1
    async with opened(tmp_path) as store:
        assert await found(store) == [HOME.text] * 3


async def test_a_memory_that_was_copied_to_another_tenant_does_not_decrypt(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", "k1")
    async with opened(tmp_path) as store:
        await store.put("acme", [HOME])
        await store.put("other", [replace(HOME, text="mine")])
    connection = sqlite3.connect(tmp_path / "memory.db")
    connection.execute(
        "UPDATE records SET text = (SELECT text FROM records WHERE tenant = 1) WHERE tenant = 2"
    )
    connection.commit()
    connection.close()
    async with opened(tmp_path) as store:
        with pytest.raises(DecryptionFailed):
            await store.list("other", Filter())


async def test_memories_of_a_missing_key_name_the_key(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", "k1")
    async with opened(tmp_path) as store:
        await store.put("acme", [HOME])
    write_keys(tmp_path / "keys", "k2")
    async with opened(tmp_path) as store:
        with pytest.raises(KeyUnknown, match="'k1'"):
            await store.list("acme", Filter())


def test_weaviate_is_refused_with_keys(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", "k1")
    with pytest.raises(SettingsInvalid, match="Weaviate compares vectors in the clear"):
        make_memories("weaviate://127.0.0.1:1", "none", tmp_path, {}, cipher=cipher(tmp_path))


async def test_pgvector_is_not_used_with_keys(postgres_server: PostgresServer, tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", "k1")
    used = cipher(tmp_path)
    location = locate(await postgres_server.create(f"memory_{uuid.uuid4().hex}"))
    assert isinstance(location, PostgresLocation)
    connection = await asyncpg.connect(location.dsn)
    await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    store = EncryptedStore(await open_postgres(location, cipher=used), used)
    await store.begin(COLLECTION)
    await store.put("acme", [HOME])
    assert await found(store) == [HOME.text] * 3
    await store.close()
    await connection.execute("DROP SCHEMA holdfast_memory CASCADE")
    await connection.close()
    await (await open_postgres(location)).close()
    with pytest.raises((SettingsInvalid, MemoryUnavailable), match="type of pgvector"):
        await open_postgres(location, cipher=used)
