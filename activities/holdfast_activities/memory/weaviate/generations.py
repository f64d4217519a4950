"""Find the generation to use, with leases.

A worker looks the generation up and uses it until its lease ends. A write is acknowledged only within the lease it
began in, or after another lookup of the same generation. A migration that has changed the alias waits for one lease
before it reads the old generation for the last time. By then no write to it is acknowledged, so none is lost.
"""

import time
import uuid
from dataclasses import replace

from holdfast_workflows.contracts.errors import EmbeddingMismatch, MemoryUnavailable

from ..base import Collection
from . import schema
from .connection import Connection
from .library import UnexpectedStatusCodeError
from .schema import Generation


class Generations:
    """The generations of one alias."""

    def __init__(self, connection: Connection, alias: str, lease: float) -> None:
        """``lease`` is in seconds, and the same for all workers."""
        self.alias = alias
        self.lease = lease
        self._connection = connection
        self._begun: Collection | None = None
        self._found: Generation | None = None
        self._until = 0.0

    async def current(self) -> Generation | None:
        """Return the generation that the alias names; None without an alias."""
        if self._found is None or time.monotonic() >= self._until:
            before = time.monotonic()
            async with self._connection.client() as client:
                self._found = await schema.served(client, self.alias)
            self._until = before + self.lease
        return self._found

    def forget(self) -> None:
        """End the lease."""
        self._until = 0.0

    async def writable(self) -> Generation:
        """Return the generation to write to.

        Raises:
            EmbeddingMismatch: The memories were migrated to another model since ``begin``.
        """
        found = await self.current()
        if found is None and self._begun:  # the server lost its data
            found = await self.begin(self._begun)
        if found is None:
            raise MemoryUnavailable(f"the store at {self.alias} was not initialised")
        self.check(found)
        return found

    def check(self, found: Generation) -> None:
        """Check that the generation has this worker's vectors.

        Raises:
            EmbeddingMismatch: It has others.
        """
        if self._begun and found.collection != self._begun:
            raise EmbeddingMismatch(_difference(found.collection, self._begun))

    async def confirm(self, written: Generation) -> None:
        """Check that a write that has just ended can be acknowledged.

        Raises:
            MemoryUnavailable: The memories were migrated in the meantime; write again.
        """
        found = await self.current()
        if found is None or found.name != written.name:
            raise MemoryUnavailable("the memories were migrated during the write. Write again")

    async def begin(self, collection: Collection) -> Generation:
        """Create the first generation if none exists, and write only such vectors from now on.

        Raises:
            EmbeddingMismatch: The current generation has others.
        """
        self.forget()
        found = await self.current() or await self._first(collection)
        if found.collection != collection:
            raise EmbeddingMismatch(_difference(found.collection, collection))
        self._begun = collection
        return found

    async def set_indexing(self, version: int) -> None:
        """Store the version of the terms in the current generation."""
        self.forget()
        found = await self.current()
        if found is not None:
            async with self._connection.client() as client:
                await schema.describe(client, replace(found, indexing=version))
            self.forget()

    async def make(self, collection: Collection, follows: str = "", indexing: int = 0) -> Generation:
        """Create an empty generation; the alias does not name it yet."""
        made = Generation(f"{self.alias}_{uuid.uuid4().hex[:12]}", collection, follows, indexing)
        async with self._connection.client() as client:
            await schema.create(client, made)
        return made

    async def serve(self, generation: Generation) -> None:
        """Let the alias name this generation."""
        async with self._connection.client() as client:
            await client.alias.update(alias_name=self.alias, new_target_collection=generation.name)
        self._begun = generation.collection
        self.forget()

    async def others(self, serving: Generation) -> list[str]:
        """Return the other generations: of a running migration, or of one that was interrupted."""
        async with self._connection.client() as client:
            return [name for name in await schema.generations(client, self.alias) if name != serving.name]

    async def drop(self, name: str) -> None:
        """Delete a generation with its records."""
        async with self._connection.client() as client:
            await client.collections.delete(name)

    async def _first(self, collection: Collection) -> Generation:
        made = await self.make(collection)
        async with self._connection.client() as client:
            try:
                await client.alias.create(alias_name=self.alias, target_collection=made.name)
            except UnexpectedStatusCodeError:  # another worker was first, or the next lookup fails
                await client.collections.delete(made.name)
        self.forget()
        found = await self.current()
        if found is None:
            raise MemoryUnavailable(f"the alias {self.alias} could not be created")
        return found


def _difference(there: Collection, here: Collection) -> str:
    return f"the store has {_described(there)}, this worker has {_described(here)}"


def _described(collection: Collection) -> str:
    if not collection.dimension:
        return "no vectors"
    return f"vectors of {collection.model} with {collection.dimension} numbers"
