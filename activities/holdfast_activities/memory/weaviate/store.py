"""Memories in a Weaviate server."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from holdfast_workflows.contracts.text.unicode import clean

from ..base import Collection, Counts, Embed, Filter, Names, Ranking, Record, Records, Scored, Vector
from ..keys import is_key, is_tenant
from . import counting
from .answers import Shard, delete, insert, missing_collection, missing_tenant
from .connection import Connection
from .filters import EVERYTHING, all_of, conditions, near
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
from .schema import K1, Generation

T = TypeVar("T")
_AT_ONCE = 8
"""Requests on their way at a time, where one call needs many."""
_IDS = 500
"""Ids asked for in one request."""


class WeaviateStore:
    """Memories in Weaviate: a tenant of ours is a tenant of the server, which never mixes them.

    Made by ``open_weaviate``. Keeps to ``MemoryStore``, whose docstrings say what the methods do.
    """

    def __init__(self, location: Location, lease: float) -> None:
        """The memories at ``location``; ``lease``, in seconds, is explained in generations.py."""
        self._connection = Connection(location)
        self._generations = Generations(self._connection, location.name, lease)
        self._slots = asyncio.Semaphore(_AT_ONCE)

    @property
    def name(self) -> str:
        """``weaviate``."""
        return "weaviate"

    async def collection(self) -> Collection | None:
        """What the vectors in it are; None for a store that was never begun."""
        found = await self._generations.look()
        return found.collection if found else None

    async def begin(self, collection: Collection) -> None:
        """Make it ready for such vectors; harmless where it is."""
        found = await self._generations.look()
        words_only = found is not None and not found.collection.dimension
        if words_only and collection.dimension and not await self.tenants():
            await Mover(self._connection, self._generations, without_vectors).move(collection)
        await self._generations.begin(collection)

    async def indexing(self) -> int:
        """Which version of the terms its records' words are of; 0 for a store where none was set."""
        found = await self._generations.look()
        return found.indexing if found else 0

    async def set_indexing(self, version: int) -> None:
        """Note that all its records' words are of a version of the terms."""
        await self._generations.set_indexing(version)

    async def put(self, tenant: str, records: Sequence[Record]) -> None:
        """Insert records, or replace those whose ids are there; all or none of up to 200."""
        generation = await self._generations.writable()
        dimension = generation.collection.dimension
        objects = {record.id: to_object(tenant, record, dimension) for record in records}
        if objects:
            await self._at(generation, tenant, lambda shard: insert(shard, list(objects.values())), None)
            await self._generations.confirm(generation)

    async def touch(self, tenant: str, ids: Sequence[str], now: float) -> None:
        """Note that records were recalled: ``used`` is now, ``uses`` one more; one that is gone stays gone."""
        found = await self._fetch(tenant, ids)
        await self._update(
            tenant, {record.id: {"used": float(now), "uses": record.uses + 1} for record in found}
        )

    async def reword(self, tenant: str, words: Mapping[str, str]) -> None:
        """Set the words of records by their ids; one that is gone stays gone."""
        await self._update(tenant, {id: {"words": clean(text) or None} for id, text in words.items()})

    async def get(self, tenant: str, ids: Sequence[str]) -> Records:
        """Those of the ids that are there, with their vectors, in the order of the ids."""
        found = {record.id: record for record in await self._fetch(tenant, ids, vectors=True)}
        return [found[id] for id in ids if id in found]

    async def list(self, tenant: str, wanted: Filter, *, after: str = "", limit: int = 100) -> Records:
        """Records that a filter means, with ids above ``after``, in order of their ids, without vectors."""
        where = conditions(wanted)
        if after:
            where.append(Where.by_property("key").greater_than(sort_key(after)))

        async def ask(shard: Shard) -> Records:
            found = await shard.query.fetch_objects(
                filters=all_of(where), sort=Sort.by_property("key"), limit=limit, return_properties=FIELDS
            )
            return [to_record(row) for row in found.objects]

        return await self._ask(tenant, ask, []) if limit > 0 else []

    async def around(self, tenant: str, places: Sequence[tuple[str, int]], reach: int = 1) -> Records:
        """Turns that were said at most ``reach`` places before or after a place of a session."""
        limit = len(places) * (2 * reach + 1)

        async def ask(shard: Shard) -> Records:
            found = await shard.query.fetch_objects(
                filters=near(places, reach), limit=limit, return_properties=FIELDS
            )
            return [to_record(row) for row in found.objects]

        return await self._ask(tenant, ask, []) if places else []

    async def by_words(self, tenant: str, terms: Sequence[str], wanted: Filter, limit: int) -> Ranking:
        """Records with any of the terms, best first by BM25."""
        query = clean(" ".join(dict.fromkeys(terms)))

        async def ask(shard: Shard) -> Ranking:
            found = await shard.query.bm25(
                query,
                query_properties=["words"],
                operator=BM25Operator.or_(minimum_match=1),
                filters=all_of(conditions(wanted)),
                limit=limit,
                return_metadata=MetadataQuery(score=True),
                return_properties=FIELDS,
            )
            # It leaves out the factor of BM25 that is the same for all.
            return _ranked([(row, (row.metadata.score or 0.0) * (K1 + 1)) for row in found.objects])

        return await self._ask(tenant, ask, []) if query and limit > 0 else []

    async def by_vector(self, tenant: str, vector: Vector, wanted: Filter, limit: int) -> Ranking:
        """Records nearest to a vector, best first by cosine."""
        generation = await self._generations.look()
        if generation is None:
            return []
        self._generations.check(generation)
        values = numbers(vector, generation.collection.dimension)

        async def ask(shard: Shard) -> Ranking:
            found = await shard.query.near_vector(
                values,
                filters=all_of(conditions(wanted)),
                limit=limit,
                return_metadata=MetadataQuery(distance=True),
                return_properties=FIELDS,
            )
            # Its distance is 1 less the cosine.
            return _ranked([(row, 1.0 - (row.metadata.distance or 0.0)) for row in found.objects])

        return await self._at(generation, tenant, ask, []) if limit > 0 else []

    async def delete(self, tenant: str, ids: Sequence[str]) -> int:
        """Remove records for good; how many were there."""
        count = 0
        for some in _portions(ids):
            count += await self._delete(tenant, Where.by_id().contains_any(some))
        return count

    async def erase(self, tenant: str, wanted: Filter | None = None) -> int:
        """Remove all that a filter means, or the tenant with all it holds; how many that were."""
        if wanted is not None:
            return await self._delete(tenant, all_of(conditions(wanted)) or EVERYTHING)

        async def drop(shard: Shard) -> int:
            held = (await shard.aggregate.over_all(total_count=True)).total_count or 0
            await shard.tenants.remove([tenant_key(tenant)])
            return held

        return await self._remove(tenant, drop)

    async def tenants(self) -> Names:
        """The tenants that hold anything, in order."""
        generation = await self._generations.look()
        if generation is None:
            return []
        names = await counting.of_each(self._connection, generation, counting.holder)
        return sorted(name for name in names if name is not None)

    async def counts(self) -> Counts:
        """How much it holds, of all tenants. The server does not say how many bytes: that is 0."""
        generation = await self._generations.look()
        if generation is None:
            return Counts()
        return counting.total(await counting.of_each(self._connection, generation, counting.count))

    async def migrate(self, collection: Collection, embed: Embed) -> int:
        """Embed every record's text anew; how many that were. It takes a lease longer than that."""
        return await Mover(self._connection, self._generations, embed).move(collection)

    async def optimise(self) -> int:
        """Nothing to do: the server gives storage back by itself."""
        return 0

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()

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
        """Change properties of objects by their records' ids."""

        async def update(shard: Shard, id: str, properties: Mapping[str, Any]) -> None:
            async with self._slots:
                try:
                    await shard.data.update(object_id(id), properties)
                except UnexpectedStatusCodeError as error:
                    if error.status_code != 404:  # it went meanwhile
                        raise

        async def update_all(shard: Shard) -> None:
            await asyncio.gather(*(update(shard, *change) for change in changes.items()))

        if changes:
            await self._ask(tenant, update_all, None)

    async def _ask(self, tenant: str, ask: Callable[[Shard], Awaitable[T]], empty: T) -> T:
        generation = await self._generations.look()
        return empty if generation is None else await self._at(generation, tenant, ask, empty)

    async def _delete(self, tenant: str, where: FilterReturn) -> int:
        return await self._remove(tenant, lambda shard: delete(shard, where))

    async def _remove(self, tenant: str, remove: Callable[[Shard], Awaitable[int]]) -> int:
        """Remove something from the generation that serves, and before that from all others that are there: what is
        left in one that a migration took the place of would come back, and nothing may stay of what is erased.
        """
        generation = await self._generations.look()
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
            await self._at(Generation(name, generation.collection), tenant, remove_if_there, 0)
        count = await self._at(generation, tenant, remove, 0)
        await self._generations.confirm(generation)
        return count

    async def _at(
        self, generation: Generation, tenant: str, ask: Callable[[Shard], Awaitable[T]], empty: T
    ) -> T:
        """What ``ask`` gives at a tenant's part of a generation; ``empty`` for a tenant never written to."""
        if not is_tenant(tenant):
            return empty
        key = tenant_key(tenant)
        async with self._connection.client() as client:
            try:
                return await ask(
                    client.collections.use(generation.name, skip_argument_validation=True).with_tenant(key)
                )
            except WeaviateBaseError as error:
                if missing_tenant(error):
                    return empty
                if missing_collection(error):
                    self._generations.forget()
                raise


def _ranked(found: Sequence[tuple[Row, float]]) -> Ranking:
    ranked = [Scored(to_record(row), score) for row, score in found]
    return sorted(ranked, key=lambda one: (-one.score, one.record.id))


def _portions(ids: Sequence[str]) -> Iterator[list[UUID]]:
    uuids = [object_id(id) for id in dict.fromkeys(ids) if is_key(id)]
    return (uuids[start : start + _IDS] for start in range(0, len(uuids), _IDS))
