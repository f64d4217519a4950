"""Migrate all memories to another generation with other vectors, while workers use the old one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from uuid import UUID

from ..base import Collection, Embed, Record, Vector
from . import schema
from .answers import Shard, delete, insert
from .connection import Connection
from .generations import Generations
from .library import Filter, MetadataQuery
from .rows import Row, to_object, to_record
from .schema import Generation

PAGE = 200


class Mover:
    """Copies one generation to another, incrementally: what is already there is not copied again.

    Each copy is marked with the write time of its original. Objects that others wrote to the new generation are not
    changed. Changes and deletions in the old generation are followed. Once the new generation serves, a deletion
    is applied to the old one first. So an object missing there is to be deleted here, and an object present there
    and missing here is still to be copied.
    """

    def __init__(self, connection: Connection, generations: Generations, embed: Embed) -> None:
        self._connection = connection
        self._generations = generations
        self._embed = embed

    async def move(self, collection: Collection) -> int:
        """Embed everything again and serve the result; return how many records."""
        old = await self._generations.current()
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
        count = await self.bring(old, new)
        await self._generations.drop(old.name)
        return count

    async def _clear(self, serving: Generation) -> None:
        """Finish an interrupted migration: copy the last writes, and drop other generations."""
        names = await self._generations.others(serving)
        if serving.follows in names:
            async with self._connection.client() as client:
                before = await schema.look_up(client, serving.follows)
            if before:
                # Without vectors: this migration makes them.
                await Mover(self._connection, self._generations, without_vectors).bring(before, serving)
        for name in names:
            await self._generations.drop(name)

    async def bring(self, old: Generation, new: Generation) -> int:
        """Make the new generation equal to the old one; return how many records the old one has."""
        count = 0
        for key in await self._connection.tenant_keys(old.name):
            async for page in self._pages(old, key):
                await self._copy(key, page, new)
                count += len(page)
        for key in await self._connection.tenant_keys(new.name):
            async for page in self._pages(new, key):
                await self._follow(key, page, old, new)
        return count

    async def _copy(self, key: str, page: Sequence[Row], new: Generation) -> None:
        there = {row.uuid: row.properties["moved"] for row in await self._find(new, key, page)}
        # 0: written by others. An older time: the original has changed since.
        rows = [row for row in page if row.uuid not in there or 0 < there[row.uuid] < _written(row)]
        if not rows:
            return
        records = await self._embedded([to_record(row) for row in rows], new.collection)
        objects = [
            to_object(row.properties["tenant"], record, new.collection.dimension, _written(row))
            for row, record in zip(rows, records, strict=True)
        ]
        await self._connection.ask(new.name, key, lambda shard: insert(shard, objects), None)

    async def _embedded(self, records: Sequence[Record], collection: Collection) -> list[Record]:
        if not collection.dimension:
            return [replace(record, vector=None) for record in records]
        vectors = await self._embed([record.text for record in records])
        if not vectors:
            return list(records)
        return [replace(record, vector=vector) for record, vector in zip(records, vectors, strict=True)]

    async def _follow(self, key: str, page: Sequence[Row], old: Generation, new: Generation) -> None:
        """Delete copies from the new generation whose originals were deleted."""
        moved = [row for row in page if row.properties["moved"]]
        still = {row.uuid for row in await self._find(old, key, moved)}
        gone = [row.uuid for row in moved if row.uuid not in still]
        if gone:
            # The mark is checked again, because another worker may have written the object in the meantime.
            where = Filter.by_id().contains_any(gone) & Filter.by_property("moved").greater_than(0)
            await self._connection.ask(new.name, key, lambda shard: delete(shard, where), 0)

    async def _pages(self, generation: Generation, key: str) -> AsyncIterator[list[Row]]:
        after: UUID | None = None

        async def read(shard: Shard) -> list[Row]:
            written = MetadataQuery(last_update_time=True)
            found = await shard.query.fetch_objects(limit=PAGE, after=after, return_metadata=written)
            return list(found.objects)

        nothing: list[Row] = []
        while page := await self._connection.ask(generation.name, key, read, nothing):
            yield page
            after = page[-1].uuid

    async def _find(self, generation: Generation, key: str, rows: Sequence[Row]) -> list[Row]:
        async def read(shard: Shard) -> list[Row]:
            found = await shard.query.fetch_objects_by_ids(
                [row.uuid for row in rows], limit=len(rows), return_properties=["moved"]
            )
            return list(found.objects)

        return await self._connection.ask(generation.name, key, read, []) if rows else []


def _written(row: Row) -> int:
    assert row.metadata is not None
    assert row.metadata.last_update_time is not None
    return round(row.metadata.last_update_time.timestamp() * 1000)


async def without_vectors(_texts: Sequence[str]) -> Sequence[Vector]:
    """Embed nothing."""
    return []
