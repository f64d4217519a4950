"""Places on a Weaviate server that one test uses."""

import uuid

from holdfast_activities.memory.weaviate import open_weaviate, parse
from holdfast_activities.memory.weaviate.connection import Connection
from holdfast_activities.memory.weaviate.schema import generations
from holdfast_activities.memory.weaviate.store import WeaviateStore

LEASE = 0.5
"""Seconds; so that a migration does not wait for long."""


def fresh_name() -> str:
    """A name for memories that no other test uses."""
    return f"Test{uuid.uuid4().hex}"


async def open_at(url: str) -> WeaviateStore:
    """The store at a URL."""
    return await open_weaviate(parse(url, {}), lease=LEASE)


async def remove(url: str) -> None:
    """Remove all that is behind a URL."""
    location = parse(url, {})
    connection = Connection(location)
    async with connection.client() as client:
        await client.alias.delete(alias_name=location.name)
        for name in await generations(client, location.name):
            await client.collections.delete(name)
    await connection.close()


async def collections(store: WeaviateStore) -> int:
    """How many collections the server has for a store."""
    async with store._connection.client() as client:
        return len(await generations(client, store._generations.alias))


async def count_records(store: WeaviateStore, collection: str) -> int:
    """How many memories one of its collections holds, of all tenants."""
    async with store._connection.client() as client:
        found = client.collections.use(collection)
        shards = [found.with_tenant(name) for name in await found.tenants.get()]
        return sum([(await shard.aggregate.over_all(total_count=True)).total_count or 0 for shard in shards])
