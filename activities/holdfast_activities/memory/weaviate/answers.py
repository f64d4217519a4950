"""What the server's answers mean."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from holdfast_workflows.contracts.errors import MemoryUnavailable

from .library import CollectionAsync, DataObject, Filter, FilterReturn, WeaviateBaseError

Shard = CollectionAsync[Mapping[str, Any], None]
"""One tenant's part of a collection."""

BATCH = 200
"""Objects in one request; the server takes 100 MB."""


def missing_tenant(error: WeaviateBaseError) -> bool:
    """Whether the server says so of a tenant that was never written to, which holds nothing."""
    return "tenant not found" in str(error)


def missing_collection(error: WeaviateBaseError) -> bool:
    """Whether the collection has gone.

    An insert makes the server, as it comes, create one of that name in its own way, and then refuse the tenant.
    """
    text = str(error)
    return any(
        sign in text
        for sign in (
            "could not find class",
            "class not found",
            "has multi-tenancy disabled",
            "collection not found",
        )
    )


_NOBODY = Filter.by_id().equal(uuid.UUID(int=0))


async def insert(shard: Shard, objects: Sequence[DataObject[Mapping[str, Any], None]]) -> None:
    """Insert objects, or replace those whose ids are there.

    Raises:
        MemoryUnavailable: The server refused some of them.
    """
    for start in range(0, len(objects), BATCH):
        done = await shard.data.insert_many(objects[start : start + BATCH])
        if done.has_errors:
            first = next(iter(done.errors.values()))
            raise MemoryUnavailable(
                f"{len(done.errors)} of {len(objects)} memories were refused: {first.message}"
            )
    # The server writes out what it buffers while it is still indexing the vectors of a batch, and then answers:
    # if it were killed now, they would be found no more. A deletion writes out at its end; this one deletes nothing.
    await shard.data.delete_many(_NOBODY, dry_run=True)


async def delete(shard: Shard, where: FilterReturn) -> int:
    """Delete what a filter finds; how many that were. One request deletes 10,000 at most.

    Raises:
        MemoryUnavailable: The server kept some of them.
    """
    count = 0
    while True:
        try:
            done = await shard.data.delete_many(where)
        except WeaviateBaseError as error:
            if missing_tenant(error):
                return count
            raise
        if done.failed:
            raise MemoryUnavailable(f"{done.failed} of {done.matches} memories could not be deleted")
        count += done.successful
        if not done.matches:
            return count
