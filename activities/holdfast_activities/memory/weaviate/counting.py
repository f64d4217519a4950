"""List tenants and count their records."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import astuple
from typing import TypeVar

from ..base import Counts
from .answers import Shard
from .connection import Connection
from .library import Filter, GroupByAggregate

T = TypeVar("T")
_CONCURRENT = 8


async def tenants(connection: Connection, generation: str) -> list[str]:
    """Return the tenants that have records, sorted. The server also knows the keys of empty ones."""

    async def name(shard: Shard) -> str | None:
        found = await shard.query.fetch_objects(limit=1, return_properties=["tenant"])
        return str(found.objects[0].properties["tenant"]) if found.objects else None

    return sorted(await _of_each(connection, generation, name))


async def counts(connection: Connection, generation: str) -> Counts:
    """Count the records of all tenants."""
    each = await _of_each(connection, generation, _count)
    return Counts(*map(sum, zip(*map(astuple, each), strict=True)))


async def _of_each(
    connection: Connection, generation: str, ask: Callable[[Shard], Awaitable[T | None]]
) -> list[T]:
    """Return the results for all tenants of a generation, except None."""
    slots = asyncio.Semaphore(_CONCURRENT)

    async def one(key: str) -> T | None:
        async with slots:
            return await connection.ask(generation, key, ask, None)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(key)) for key in await connection.tenant_keys(generation)]
    return [result for result in (task.result() for task in tasks) if result is not None]


async def _count(shard: Shard) -> Counts:
    kinds = await shard.aggregate.over_all(group_by=GroupByAggregate(prop="kind"), total_count=True)
    found = {str(group.grouped_by.value): group.total_count or 0 for group in kinds.groups}
    superseded = await shard.aggregate.over_all(
        filters=Filter.by_property("superseded").equal(True), total_count=True
    )
    return Counts(
        tenants=1 if found else 0,
        turns=found.get("turn", 0),
        episodes=found.get("episode", 0),
        facts=found.get("fact", 0),
        superseded=superseded.total_count or 0,
    )
