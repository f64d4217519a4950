"""The memory stores, each under a name; every one passes ``conformance``."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from holdfast_activities.memory import MemoryStore
from holdfast_activities.memory.embedded import open_embedded, open_postgres
from holdfast_activities.memory.encryption.encrypted import EncryptedStore
from holdfast_activities.state.encryption.cipher import KeyCipher
from holdfast_activities.state.setup.location import PostgresLocation, locate
from holdfast_temporal.encryption.keyring import Keyring
from tests.postgres_server import PostgresServer
from tests.temporal.encryption.keys import write_keys
from tests.weaviate_server import NamedWeaviate, WeaviateServer

from .conformance.records import COLLECTION
from .weaviate import places


class Stores:
    """One place where memories are kept, which may be opened several times, as several processes do."""

    def __init__(
        self,
        make: Callable[[], Awaitable[MemoryStore]],
        operations: int,
        *,
        drift: float = 0.0,
        remove: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._make = make
        self._remove = remove
        self.drift = drift
        """How far its scores by words may be off, in parts of the score, where records were replaced or removed."""
        self._opened: list[MemoryStore] = []
        self.operations = operations
        """Random operations that it does within half a minute."""

    async def open(self) -> MemoryStore:
        """Open it; it is closed after the test."""
        store = await self._make()
        self._opened.append(store)
        return store

    async def close(self) -> None:
        for store in self._opened:
            await store.close()
        if self._remove:
            await self._remove()


def _embedded(request: pytest.FixtureRequest) -> Stores:
    path: Path = request.getfixturevalue("tmp_path") / "memory.db"
    return Stores(lambda: open_embedded(path), operations=10_000)


def _weaviate(request: pytest.FixtureRequest) -> Stores:
    server: WeaviateServer | NamedWeaviate = request.getfixturevalue("weaviate_server")
    url = server.url(places.fresh_name())
    # The server's counts include what was replaced, until it has compacted its files, and who has no words.
    return Stores(
        lambda: places.open_at(url), operations=10_000, drift=0.25, remove=lambda: places.remove(url)
    )


def _postgres(request: pytest.FixtureRequest, *, pgvector: bool = False) -> Stores:
    server: PostgresServer = request.getfixturevalue("postgres_server")
    database = f"memory_{uuid.uuid4().hex}"

    async def make() -> MemoryStore:
        location = locate(await server.create(database))
        assert isinstance(location, PostgresLocation)
        if pgvector:
            connection = await asyncpg.connect(location.dsn)
            await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            await connection.close()
        return await open_postgres(location)

    return Stores(make, operations=1_000)


def _encrypted(request: pytest.FixtureRequest) -> Stores:
    folder: Path = request.getfixturevalue("tmp_path")
    write_keys(folder / "keys", "k2", "k1")
    cipher = KeyCipher(Keyring(f"file:{folder}/keys"))

    async def make() -> MemoryStore:
        return EncryptedStore(await open_embedded(folder / "memory.db", cipher=cipher), cipher)

    return Stores(make, operations=1_000)


STORES: dict[str, Callable[[pytest.FixtureRequest], Stores]] = {
    "embedded": _embedded,
    "encrypted": _encrypted,
    "postgres": _postgres,
    "pgvector": partial(_postgres, pgvector=True),
    "weaviate": _weaviate,
}
"""By name; each makes an empty place for one test, or skips the test where it cannot."""


@pytest.fixture(params=STORES)
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    """An empty place, never begun."""
    made = STORES[request.param](request)
    yield made
    await made.close()


@pytest.fixture
async def store(stores: Stores) -> MemoryStore:
    """An empty store, begun for the vectors of ``records``."""
    store = await stores.open()
    await store.begin(COLLECTION)
    return store
