"""Whose memories there are, and how many."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import astuple
from typing import TypeVar

from ..base import Counts
from .answers import Shard, missing_tenant
from .connection import Connection
from .library import Filter, GroupByAggregate, WeaviateBaseError
from .schema import Generation

T = TypeVar("T")
_AT_ONCE = 8


async def of_each(
    connection: Connection, generation: Generation, ask: Callable[[Shard], Awaitable[T]]
) -> list[T]:
    """What ``ask`` gives for each tenant the server knows in a generation; one that goes meanwhile is left out."""
    async with connection.client() as client:
        keys = sorted(await client.collections.use(generation.name).tenants.get())
    slots = asyncio.Semaphore(_AT_ONCE)
    given: list[T] = []

    async def one(key: str) -> None:
        async with slots, connection.client() as client:
            try:
                given.append(await ask(client.collections.use(generation.name).with_tenant(key)))
            except WeaviateBaseError as error:
                if not missing_tenant(error):
                    raise

    async with asyncio.TaskGroup() as group:
        for key in keys:
            group.create_task(one(key))
    return given


async def holder(shard: Shard) -> str | None:
    """Whose records they are; None where there are none, since the server keeps the names of those it emptied."""
    found = await shard.query.fetch_objects(limit=1, return_properties=["tenant"])
    return str(found.objects[0].properties["tenant"]) if found.objects else None


async def count(shard: Shard) -> Counts:
    """How many records there are of one tenant."""
    kinds = await shard.aggregate.over_all(group_by=GroupByAggregate(prop="kind"), total_count=True)
    held = {str(group.grouped_by.value): group.total_count or 0 for group in kinds.groups}
    superseded = await shard.aggregate.over_all(
        filters=Filter.by_property("superseded").equal(True), total_count=True
    )
    return Counts(
        tenants=1 if held else 0,
        turns=held.get("turn", 0),
        episodes=held.get("episode", 0),
        facts=held.get("fact", 0),
        superseded=superseded.total_count or 0,
    )


def total(counts: Iterable[Counts]) -> Counts:
    """The sum of what tenants hold."""
    whole = Counts()
    for one in counts:
        whole = Counts(*(a + b for a, b in zip(astuple(whole), astuple(one), strict=True)))
    return whole
