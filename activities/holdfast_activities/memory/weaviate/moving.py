"""Moving all memories to another generation, with other vectors, while workers go on using the old one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from uuid import UUID

from ..base import Collection, Embed, Record, Vector
from . import schema
from .answers import Shard, delete, insert, missing_tenant
from .connection import Connection
from .generations import Generations
from .library import Filter, MetadataQuery, WeaviateBaseError
from .rows import Row, to_object, to_record
from .schema import Generation

PAGE = 200


class Mover:
    """Brings what one generation holds to another, as often as need be: what is there already is left alone.

    What it writes is marked with the time of the object it was made from. It gives way to what others
    wrote there, follows what others change or remove in the old generation, and touches nothing else.
    Who removes something once the new one serves removes it from the old one first: so what is missing
    there is to be missing here, and what is there and missing here is still to be brought.
    """

    def __init__(self, connection: Connection, generations: Generations, embed: Embed) -> None:
        """A mover of the memories behind ``generations``."""
        self._connection = connection
        self._generations = generations
        self._embed = embed

    async def move(self, collection: Collection) -> int:
        """Embed everything anew and serve that; how many records that were."""
        old = await self._generations.look()
        if old is None:
            await self._generations.begin(collection)
            return 0
        await self._clear(old)
        new = await self._generations.make(collection, follows=old.name, indexing=old.indexing)
        await self.bring(old, new)
        await self.bring(old, new)  # what was written during the first pass, which took long
        await self._generations.serve(new)
        # Other workers may write to the old generation until their leases end: see generations.py.
        await asyncio.sleep(self._generations.lease)
        held = await self.bring(old, new)
        await self._generations.drop(old.name)
        return held

    async def _clear(self, serving: Generation) -> None:
        """Finish what a migration that was killed had begun: bring the last writes over, drop what is half made."""
        async with self._connection.client() as client:
            names = await schema.leftovers(client, self._generations.alias)
            before = await schema.look_up(client, serving.follows) if serving.follows in names else None
        if before:
            # Without vectors: all are made anew from here.
            await Mover(self._connection, self._generations, without_vectors).bring(before, serving)
        for name in names:
            if name != serving.name:
                await self._generations.drop(name)

    async def bring(self, old: Generation, new: Generation) -> int:
        """Have the new generation hold what the old one does; how many records that are."""
        count = 0
        for tenant in await self._tenants(old):
            async for page in self._pages(old, tenant):
                await self._copy(tenant, page, new)
                count += len(page)
        for tenant in await self._tenants(new):
            async for page in self._pages(new, tenant):
                await self._follow(tenant, page, old, new)
        return count

    async def _copy(self, tenant: str, page: Sequence[Row], new: Generation) -> None:
        there = {row.uuid: row.properties["moved"] for row in await self._find(new, tenant, page)}
        # 0 is what somebody else wrote there; an older time is what was changed here since.
        rows = [row for row in page if row.uuid not in there or 0 < there[row.uuid] < _written(row)]
        if not rows:
            return
        records = await self._embedded([to_record(row) for row in rows], new.collection)
        objects = [
            to_object(row.properties["tenant"], record, new.collection.dimension, _written(row))
            for row, record in zip(rows, records, strict=True)
        ]
        async with self._connection.client() as client:
            await insert(client.collections.use(new.name).with_tenant(tenant), objects)

    async def _embedded(self, records: Sequence[Record], collection: Collection) -> list[Record]:
        if not collection.dimension:
            return [replace(record, vector=None) for record in records]
        vectors = await self._embed([record.text for record in records])
        if not vectors:
            return list(records)
        return [replace(record, vector=vector) for record, vector in zip(records, vectors, strict=True)]

    async def _follow(self, tenant: str, page: Sequence[Row], old: Generation, new: Generation) -> None:
        """Remove from the new generation what a migration brought there and the old one holds no more."""
        moved = [row for row in page if row.properties["moved"]]
        still = {row.uuid for row in await self._find(old, tenant, moved)}
        gone = [row.uuid for row in moved if row.uuid not in still]
        if gone:
            # The mark is asked for again, since somebody may have written one of them anew.
            where = Filter.by_id().contains_any(gone) & Filter.by_property("moved").greater_than(0)
            async with self._connection.client() as client:
                await delete(client.collections.use(new.name).with_tenant(tenant), where)

    async def _tenants(self, generation: Generation) -> list[str]:
        async with self._connection.client() as client:
            return sorted(await client.collections.use(generation.name).tenants.get())

    async def _pages(self, generation: Generation, tenant: str) -> AsyncIterator[list[Row]]:
        after: UUID | None = None
        while True:
            async with self._connection.client() as client:
                shard: Shard = client.collections.use(generation.name).with_tenant(tenant)
                try:
                    found = await shard.query.fetch_objects(
                        limit=PAGE, after=after, return_metadata=MetadataQuery(last_update_time=True)
                    )
                except WeaviateBaseError as error:
                    if missing_tenant(error):
                        return
                    raise
            if found.objects:
                yield list(found.objects)
            if len(found.objects) < PAGE:
                return
            after = found.objects[-1].uuid

    async def _find(self, generation: Generation, tenant: str, rows: Sequence[Row]) -> list[Row]:
        if not rows:
            return []
        async with self._connection.client() as client:
            shard: Shard = client.collections.use(generation.name).with_tenant(tenant)
            try:
                found = await shard.query.fetch_objects_by_ids(
                    [row.uuid for row in rows], limit=len(rows), return_properties=["moved"]
                )
            except WeaviateBaseError as error:
                if missing_tenant(error):
                    return []
                raise
            return list(found.objects)


def _written(row: Row) -> int:
    assert row.metadata is not None
    assert row.metadata.last_update_time is not None
    return round(row.metadata.last_update_time.timestamp() * 1000)


async def without_vectors(_texts: Sequence[str]) -> Sequence[Vector]:
    """For a move that embeds nothing."""
    return []
