"""The memory store in a Weaviate server."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from holdfast_workflows.contracts.text.unicode import clean

from ..base import Collection, Counts, Embed, Filter, Names, Ranking, Record, Records, Scored, Vector
from ..keys import is_key, is_tenant
from . import counting
from .answers import Shard, delete, insert, missing_collection
from .connection import Connection
from .filters import EVERYTHING, matching, near
from .generations import Generations
from .library import (
    BM25Operator,
    FilterReturn,
    MetadataQuery,
    Sort,
    UnexpectedStatusCodeError,
    WeaviateBaseError,
)
from .library import Filter as Where
from .location import Location
from .moving import Mover, without_vectors
from .rows import FIELDS, Row, numbers, object_id, sort_key, tenant_key, to_object, to_record
from .schema import K1

T = TypeVar("T")
_CONCURRENT = 8  # concurrent requests of one call
_IDS = 500  # ids in one request


class WeaviateStore:
    """A ``MemoryStore`` in Weaviate, made by ``open_weaviate``. Each tenant is a tenant of the server."""

    name = "weaviate"

    def __init__(self, location: Location, lease: float) -> None:
        """``lease``, in seconds, is explained in generations.py."""
        self._connection = Connection(location)
        self._generations = Generations(self._connection, location.name, lease)
        self._slots = asyncio.Semaphore(_CONCURRENT)

    async def collection(self) -> Collection | None:
        found = await self._generations.current()
        return found.collection if found else None

    async def begin(self, collection: Collection) -> None:
        found = await self._generations.current()
        words_only = found is not None and not found.collection.dimension
        if words_only and collection.dimension and not await self.tenants():
            await Mover(self._connection, self._generations, without_vectors).move(collection)
        await self._generations.begin(collection)

    async def indexing(self) -> int:
        found = await self._generations.current()
        return found.indexing if found else 0

    async def set_indexing(self, version: int) -> None:
        await self._generations.set_indexing(version)

    async def put(self, tenant: str, records: Sequence[Record]) -> None:
        """All or none of up to 200 records."""
        generation = await self._generations.writable()
        dimension = generation.collection.dimension
        objects = {record.id: to_object(tenant, record, dimension) for record in records}
        if objects:
            await self._at(generation.name, tenant, lambda shard: insert(shard, list(objects.values())), None)
            await self._generations.confirm(generation)

    async def touch(self, tenant: str, ids: Sequence[str], now: float) -> None:
        found = await self._fetch(tenant, ids)
        await self._update(tenant, {each.id: {"used": float(now), "uses": each.uses + 1} for each in found})

    async def reword(self, tenant: str, words: Mapping[str, str]) -> None:
        await self._update(tenant, {id: {"words": clean(text) or None} for id, text in words.items()})

    async def get(self, tenant: str, ids: Sequence[str]) -> Records:
        found = {record.id: record for record in await self._fetch(tenant, ids, vectors=True)}
        return [found[id] for id in ids if id in found]

    async def list(self, tenant: str, wanted: Filter, *, after: str = "", limit: int = 100) -> Records:
        return await self._select(tenant, matching(wanted, sort_key(after)), limit)

    async def around(self, tenant: str, places: Sequence[tuple[str, int]], reach: int = 1) -> Records:
        limit = len(places) * (2 * reach + 1)
        return await self._select(tenant, near(places, reach), limit) if places else []

    async def by_words(self, tenant: str, terms: Sequence[str], wanted: Filter, limit: int) -> Ranking:
        query = clean(" ".join(dict.fromkeys(terms)))

        async def ask(shard: Shard) -> Ranking:
            found = await shard.query.bm25(
                query,
                query_properties=["words"],
                operator=BM25Operator.or_(minimum_match=1),
                filters=matching(wanted),
                limit=limit,
                return_metadata=MetadataQuery(score=True),
                return_properties=FIELDS,
            )
            # Weaviate omits the constant factor of BM25.
            return _ranked((row, (row.metadata.score or 0.0) * (K1 + 1)) for row in found.objects)

        return await self._ask(tenant, ask, []) if query and limit > 0 else []

    async def by_vector(self, tenant: str, vector: Vector, wanted: Filter, limit: int) -> Ranking:
        generation = await self._generations.current()
        if generation is None:
            return []
        self._generations.check(generation)
        values = numbers(vector, generation.collection.dimension)

        async def ask(shard: Shard) -> Ranking:
            found = await shard.query.near_vector(
                values,
                filters=matching(wanted),
                limit=limit,
                return_metadata=MetadataQuery(distance=True),
                return_properties=FIELDS,
            )
            # The distance is 1 less the cosine.
            return _ranked((row, 1.0 - (row.metadata.distance or 0.0)) for row in found.objects)

        return await self._at(generation.name, tenant, ask, []) if limit > 0 else []

    async def delete(self, tenant: str, ids: Sequence[str]) -> int:
        count = 0
        for some in _portions(ids):
            count += await self._delete(tenant, Where.by_id().contains_any(some))
        return count

    async def erase(self, tenant: str, wanted: Filter | None = None) -> int:
        if wanted is not None:
            return await self._delete(tenant, matching(wanted) or EVERYTHING)

        async def drop(shard: Shard) -> int:
            count = (await shard.aggregate.over_all(total_count=True)).total_count or 0
            await shard.tenants.remove([tenant_key(tenant)])
            return count

        return await self._remove(tenant, drop)

    async def tenants(self) -> Names:
        generation = await self._generations.current()
        return [] if generation is None else await counting.tenants(self._connection, generation.name)

    async def counts(self) -> Counts:
        """``bytes`` is 0: the server does not report it."""
        generation = await self._generations.current()
        return Counts() if generation is None else await counting.counts(self._connection, generation.name)

    async def migrate(self, collection: Collection, embed: Embed) -> int:
        """Waits for one lease at the end."""
        return await Mover(self._connection, self._generations, embed).move(collection)

    async def optimise(self) -> int:
        """Nothing to do: the server releases storage automatically."""
        return 0

    async def close(self) -> None:
        await self._connection.close()

    async def _select(self, tenant: str, where: FilterReturn | None, limit: int) -> Records:
        async def ask(shard: Shard) -> Records:
            found = await shard.query.fetch_objects(
                filters=where, sort=Sort.by_property("key"), limit=limit, return_properties=FIELDS
            )
            return [to_record(row) for row in found.objects]

        return await self._ask(tenant, ask, []) if limit > 0 else []

    async def _fetch(self, tenant: str, ids: Sequence[str], *, vectors: bool = False) -> Records:
        found: Records = []
        for some in _portions(ids):

            async def ask(shard: Shard, some: Sequence[UUID] = some) -> Records:
                rows = await shard.query.fetch_objects_by_ids(
                    some, limit=len(some), include_vector=vectors, return_properties=FIELDS
                )
                return [to_record(row) for row in rows.objects]

            found += await self._ask(tenant, ask, [])
        return found

    async def _update(self, tenant: str, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Update properties of objects by their records' ids."""

        async def update(shard: Shard, id: str, properties: Mapping[str, Any]) -> None:
            async with self._slots:
                try:
                    await shard.data.update(object_id(id), properties)
                except UnexpectedStatusCodeError as error:
                    if error.status_code != 404:  # 404: it was deleted in the meantime
                        raise

        async def update_all(shard: Shard) -> None:
            await asyncio.gather(*(update(shard, *change) for change in changes.items()))

        if changes:
            await self._ask(tenant, update_all, None)

    async def _delete(self, tenant: str, where: FilterReturn) -> int:
        return await self._remove(tenant, lambda shard: delete(shard, where))

    async def _remove(self, tenant: str, remove: Callable[[Shard], Awaitable[int]]) -> int:
        """Delete from all generations, the current one last.

        A migration would restore what is left in the one it replaced, and erased data must not stay anywhere.
        """
        generation = await self._generations.current()
        if generation is None:
            return 0

        async def remove_if_there(shard: Shard) -> int:
            try:
                return await remove(shard)
            except WeaviateBaseError as error:
                if missing_collection(error):  # the migration has finished
                    return 0
                raise

        for name in await self._generations.others(generation):
            await self._at(name, tenant, remove_if_there, 0)
        count = await self._at(generation.name, tenant, remove, 0)
        await self._generations.confirm(generation)
        return count

    async def _ask(self, tenant: str, ask: Callable[[Shard], Awaitable[T]], empty: T) -> T:
        generation = await self._generations.current()
        return empty if generation is None else await self._at(generation.name, tenant, ask, empty)

    async def _at(self, generation: str, tenant: str, ask: Callable[[Shard], Awaitable[T]], empty: T) -> T:
        """Run requests for a tenant's records in a generation."""

        async def checked(shard: Shard) -> T:
            try:
                return await ask(shard)
            except WeaviateBaseError as error:
                if missing_collection(error):
                    self._generations.forget()
                raise

        if not is_tenant(tenant):
            return empty
        return await self._connection.ask(generation, tenant_key(tenant), checked, empty)


def _ranked(found: Iterator[tuple[Row, float]]) -> Ranking:
    ranked = [Scored(to_record(row), score) for row, score in found]
    return sorted(ranked, key=lambda one: (-one.score, one.record.id))


def _portions(ids: Sequence[str]) -> Iterator[list[UUID]]:
    uuids = [object_id(id) for id in dict.fromkeys(ids) if is_key(id)]
    return (uuids[start : start + _IDS] for start in range(0, len(uuids), _IDS))
