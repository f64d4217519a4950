"""Classify the server's errors; insert and delete in batches."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from holdfast_workflows.contracts.errors import MemoryUnavailable

from .library import CollectionAsync, DataObject, Filter, FilterReturn, WeaviateBaseError

Shard = CollectionAsync[Mapping[str, Any], None]
"""One tenant's part of a collection."""

BATCH = 200  # objects in one request; the server accepts 100 MB

_NO_OBJECT = Filter.by_id().equal(uuid.UUID(int=0))

# After an insert into a missing collection the server has created one without tenants.
_COLLECTION_MISSING = (
    "could not find class", "class not found", "has multi-tenancy disabled", "collection not found",
)  # fmt: skip


def missing_tenant(error: WeaviateBaseError) -> bool:
    """Whether the tenant does not exist, so it has no memories."""
    return "tenant not found" in str(error)


def missing_collection(error: WeaviateBaseError) -> bool:
    """Whether the collection does not exist any more."""
    return any(sign in str(error) for sign in _COLLECTION_MISSING)


async def insert(shard: Shard, objects: Sequence[DataObject[Mapping[str, Any], None]]) -> None:
    """Insert or replace objects.

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
    # The server answers before the vectors of a batch are on disk; if killed now, it would lose them. A deletion
    # flushes them. This one deletes nothing.
    await shard.data.delete_many(_NO_OBJECT, dry_run=True)


async def delete(shard: Shard, where: FilterReturn) -> int:
    """Delete matching objects, 10,000 with each request; return how many.

    Raises:
        MemoryUnavailable: The server could not delete some of them.
    """
    count = 0
    while (done := await shard.data.delete_many(where)).matches:
        count += done.successful
        if done.failed:
            raise MemoryUnavailable(f"{done.failed} of {done.matches} memories could not be deleted")
    return count
