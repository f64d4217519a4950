"""The embedded store: runs each method of ``MemoryStore`` on the database threads."""

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from holdfast_activities.state.encryption.cipher import CLEAR, Cipher

from ..base import Collection, Counts, Embed, Filter, Names, Ranking, Record, Records, Scored, Vector
from ..keys import is_key
from . import words
from .connection import Backend, Connection, Work
from .records import reading, tenants, writing
from .records.rows import check_vector, encode, encode_vector, fetch
from .records.tenants import Tenant
from .records.writing import Change
from .schema import Synchronous, checkpoint, connect, prepare, size, tidy
from .threads import Threads
from .vectors import collection as collections
from .vectors import migration
from .vectors.matrices import CACHE_BYTES, MatrixCache

T = TypeVar("T")

Clear = Callable[[str, str, str], str]
"""The clear text of a stored text, its tenant and its id."""

_OfTenant = Callable[[Connection, Tenant], T]

BUSY_SECONDS = 15.0
"""How long a write waits for writers of other processes before it fails."""


class EmbeddedStore:
    """A ``MemoryStore`` in a SQLite file or a PostgreSQL database, usable by several processes at once.

    Vector search is exact, over all vectors of the tenant: for up to about 100,000 of them.
    """

    def __init__(self, backend: Backend, cache_bytes: int = CACHE_BYTES, cipher: Cipher = CLEAR) -> None:
        """``cipher`` encrypts vectors; ``EncryptedStore`` encrypts the rest."""
        self._backend = backend
        self._cipher = cipher
        self._threads = Threads(backend)
        self._cache = MatrixCache(cache_bytes, cipher)
        # The model of this process. Another process may migrate the store, and vectors of two models must not mix.
        self._begun: Collection | None = None

    @property
    def name(self) -> str:
        """``embedded`` or ``postgres``."""
        return self._backend.name

    async def collection(self) -> Collection | None:
        stored = await self._threads.read(collections.stored)
        return stored.collection if stored.begun else None

    async def begin(self, collection: Collection) -> None:
        """After an EmbeddingMismatch, methods that need no vectors still work."""
        self._begun = collection
        if await self.collection() != collection:
            await self._threads.write(lambda connection: collections.begin(connection, collection))

    async def indexing(self) -> int:
        return await self._threads.read(collections.indexing)

    async def set_indexing(self, version: int) -> None:
        await self._threads.write(lambda connection: collections.set_indexing(connection, version))

    async def put(self, tenant: str, records: Sequence[Record]) -> None:
        def work(connection: Connection) -> None:
            dimension = collections.stored(connection, self._begun).collection.dimension
            puts = [
                (
                    encode(each),
                    None if each.vector is None else self._cipher.seal(encode_vector(each.vector, dimension)),
                )
                for each in records
            ]
            writing.put(connection, tenant, puts)

        await self._threads.write(work)

    async def get(self, tenant: str, ids: Sequence[str]) -> Records:
        keys = [id for id in ids if is_key(id)]
        return await self._read(
            tenant, lambda connection, found: reading.get(connection, found, keys, self._cipher), []
        )

    async def list(self, tenant: str, wanted: Filter, *, after: str = "", limit: int = 100) -> Records:
        return await self._read(
            tenant, lambda connection, found: reading.page(connection, found, wanted, after, limit), []
        )

    async def around(self, tenant: str, places: Sequence[tuple[str, int]], reach: int = 1) -> Records:
        return await self._read(
            tenant, lambda connection, found: reading.around(connection, found, places, reach), []
        )

    async def by_words(self, tenant: str, terms: Sequence[str], wanted: Filter, limit: int) -> Ranking:
        def work(connection: Connection, found: Tenant) -> Ranking:
            return _records(connection, words.best(connection, found, wanted, terms, limit))

        return await self._read(tenant, work, [])

    async def by_vector(self, tenant: str, vector: Vector, wanted: Filter, limit: int) -> Ranking:
        nearest = self._backend.nearest
        if nearest is not None:

            def compare(connection: Connection) -> Ranking:
                check_vector(vector, collections.stored(connection, self._begun).collection.dimension)
                found = tenants.find(connection, tenant)
                return (
                    _records(connection, nearest(connection, found, vector, wanted, limit)) if found else []
                )

            return await self._threads.read(compare)
        slot = self._cache.slot(tenant)

        def work(connection: Connection) -> Ranking:
            # SQLite takes the snapshot at the first read, within the lock, so the cached matrix is never newer.
            with slot.lock:
                stored = collections.stored(connection, self._begun)
                check_vector(vector, stored.collection.dimension)
                found = tenants.find(connection, tenant)
                matrix = slot.matrix(connection, found, stored) if found else None
            return _records(connection, matrix.nearest(vector, wanted, limit)) if matrix else []

        scored = await self._threads.read(work)
        self._cache.trim(slot)
        return scored

    async def touch(self, tenant: str, ids: Sequence[str], now: float) -> None:
        keys = [id for id in ids if is_key(id)]
        if keys:
            await self._write(
                tenant, lambda connection, found: writing.touch(connection, found, keys, now), None
            )

    async def reword(self, tenant: str, words: Mapping[str, str]) -> None:
        await self._write(tenant, lambda connection, found: writing.reword(connection, found, words), None)

    async def rewrite(self, tenant: str, ids: Sequence[str], change: Change) -> None:
        """Change records by id in one transaction; those that were deleted stay so."""
        await self._write(
            tenant,
            lambda connection, found: writing.rewrite(connection, found, ids, change, self._cipher),
            None,
        )

    async def count_texts(self, prefix: str) -> int:
        """The number of records whose stored text begins with a prefix."""
        return await self._threads.read(lambda connection: reading.count_texts(connection, prefix))

    async def delete(self, tenant: str, ids: Sequence[str]) -> int:
        keys = [id for id in ids if is_key(id)]
        return await self._write(tenant, lambda connection, found: writing.delete(connection, found, keys), 0)

    async def erase(self, tenant: str, wanted: Filter | None = None) -> int:
        """Erased data also leaves the files, unless another process is reading; then ``optimise`` removes it."""

        def work(connection: Connection, found: Tenant) -> int:
            if wanted is None:
                return writing.erase(connection, found)
            return writing.remove(connection, found, reading.matching(connection, found, wanted))

        count = await self._write(tenant, work, 0)
        # Deleted rows are overwritten in the file but stay readable in the write-ahead log until a checkpoint.
        await self._threads.tidy(self._backend.checkpoint)
        return count

    async def tenants(self) -> Names:
        return await self._threads.read(reading.tenant_names)

    async def counts(self) -> Counts:
        return await self._threads.read(lambda connection: reading.counts(connection, self._backend.size))

    async def migrate(
        self, collection: Collection, embed: Embed, clear: Clear = lambda text, _tenant, _id: text
    ) -> int:
        """``clear`` turns a stored text, with its tenant and id, into the text to embed."""
        number = await self._threads.write(migration.start)
        while True:
            if collection.dimension:
                await self._embed(number, collection.dimension, embed, clear)
            # Records written during the round have no new vector yet.
            done = await self._threads.write(
                lambda connection: migration.switch(connection, number, collection)
            )
            if done is not None:
                self._begun = collection
                return done

    async def optimise(self) -> int:
        return await self._threads.tidy(self._backend.tidy)

    async def close(self) -> None:
        await self._threads.close()

    async def _embed(self, number: int, dimension: int, embed: Embed, clear: Clear) -> None:
        after = -1
        while batch := await self._threads.read(functools.partial(migration.pending, after=after)):
            vectors = await embed([clear(each.text, each.tenant, each.id) for each in batch])
            values = [self._cipher.seal(encode_vector(vector, dimension)) for vector in vectors]
            await self._threads.write(
                functools.partial(
                    migration.add, migration=number, batch=list(zip(batch, values, strict=True))
                )
            )
            after = batch[-1].number

    async def _read(self, tenant: str, work: _OfTenant[T], unknown: T) -> T:
        """Run a job on a tenant; returns ``unknown`` for a tenant that does not exist."""
        return await self._threads.read(_of(tenant, work, unknown))

    async def _write(self, tenant: str, work: _OfTenant[T], unknown: T) -> T:
        return await self._threads.write(_of(tenant, work, unknown))


async def open_embedded(
    path: Path,
    *,
    synchronous: Synchronous = "FULL",
    cache_bytes: int = CACHE_BYTES,
    busy_seconds: float = BUSY_SECONDS,
    cipher: Cipher = CLEAR,
) -> EmbeddedStore:
    """Open the memories in a file on a local disk; creates the file and its folder.

    ``cache_bytes`` bounds the vectors cached in this process. ``cipher`` encrypts vectors.

    Raises:
        MemoryUnavailable: The file cannot be used.
    """
    await asyncio.to_thread(prepare, path, synchronous, busy_seconds)
    connecting = functools.partial(connect, path, synchronous, busy_seconds)
    backend = Backend("embedded", connecting, "BEGIN", "BEGIN IMMEDIATE", size, tidy, checkpoint)
    return EmbeddedStore(backend, cache_bytes, cipher)


def _of(tenant: str, work: _OfTenant[T], unknown: T) -> Work[T]:
    def whole(connection: Connection) -> T:
        found = tenants.find(connection, tenant)
        return unknown if found is None else work(connection, found)

    return whole


def _records(connection: Connection, found: Sequence[tuple[int, float]]) -> Ranking:
    records = fetch(connection, [number for number, _ in found])
    return [Scored(records[number], score) for number, score in found]
