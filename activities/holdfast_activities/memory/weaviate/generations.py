"""Which generation serves, as a worker may rely on it.

A worker looks that up and relies on it for a while, the lease. A write is acknowledged only while the
lease it was begun under lasts, or after another look that found the same generation. Whoever
points the alias at another generation waits for one lease before it reads the old one for the last
time: by then nothing is acknowledged there any more, so nothing is lost.
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
    """The generations behind one alias."""

    def __init__(self, connection: Connection, alias: str, lease: float) -> None:
        """Those behind ``alias``; ``lease`` in seconds is the same for all workers."""
        self.alias = alias
        self.lease = lease
        self._connection = connection
        self._begun: Collection | None = None
        self._found: Generation | None = None
        self._until = 0.0

    async def look(self) -> Generation | None:
        """The generation that serves; None where none was ever begun."""
        if self._found is None or time.monotonic() >= self._until:
            asked = time.monotonic()
            async with self._connection.client() as client:
                self._found = await schema.served(client, self.alias)
            self._until = asked + self.lease
        return self._found

    def forget(self) -> None:
        """Look it up again before the next use."""
        self._until = 0.0

    async def writable(self) -> Generation:
        """The generation to write to.

        Raises:
            EmbeddingMismatch: Since ``begin``, somebody has embedded the memories anew by another model.
        """
        found = await self.look()
        if found is None and self._begun:  # the server lost what it had
            found = await self.begin(self._begun)
        if found is None:
            raise MemoryUnavailable(f"no memories were begun at {self.alias}")
        self.check(found)
        return found

    def check(self, found: Generation) -> None:
        """Whether vectors of it are those this worker was begun with.

        Raises:
            EmbeddingMismatch: They are not.
        """
        if self._begun and found.collection != self._begun:
            raise EmbeddingMismatch(_differ(found.collection, self._begun))

    async def confirm(self, written: Generation) -> None:
        """Whether what was just written counts.

        Raises:
            MemoryUnavailable: The memories were moved to another generation meanwhile; to be written again.
        """
        found = await self.look()
        if found is None or found.name != written.name:
            raise MemoryUnavailable("the memories were moved meanwhile; write again")

    async def begin(self, collection: Collection) -> Generation:
        """Make sure that there is a generation for such vectors, and only write such from now on.

        Raises:
            EmbeddingMismatch: The one there is holds others.
        """
        self.forget()
        found = await self.look()
        if found is None:
            found = await self._first(collection)
        if found.collection != collection:
            raise EmbeddingMismatch(_differ(found.collection, collection))
        self._begun = collection
        return found

    async def set_indexing(self, version: int) -> None:
        """Have the generation that serves say which version of the terms its words are of."""
        self.forget()
        found = await self.look()
        if found is not None:
            async with self._connection.client() as client:
                await schema.describe(client, replace(found, indexing=version))
            self.forget()

    async def make(self, collection: Collection, follows: str = "", indexing: int = 0) -> Generation:
        """A new, empty generation, which nothing names yet."""
        made = Generation(f"{self.alias}_{uuid.uuid4().hex[:12]}", collection, follows, indexing)
        async with self._connection.client() as client:
            await schema.create(client, made)
        return made

    async def serve(self, generation: Generation) -> None:
        """Have the alias name this generation from now on."""
        async with self._connection.client() as client:
            await client.alias.update(alias_name=self.alias, new_target_collection=generation.name)
        self._begun = generation.collection
        self.forget()

    async def others(self, serving: Generation) -> list[str]:
        """The other generations that are there: a migration goes on, or one broke off and left what it had copied."""
        async with self._connection.client() as client:
            return [name for name in await schema.leftovers(client, self.alias) if name != serving.name]

    async def drop(self, name: str) -> None:
        """Remove a generation with all it holds."""
        async with self._connection.client() as client:
            await client.collections.delete(name)

    async def _first(self, collection: Collection) -> Generation:
        made = await self.make(collection)
        async with self._connection.client() as client:
            try:
                await client.alias.create(alias_name=self.alias, target_collection=made.name)
            except UnexpectedStatusCodeError:
                # Another worker was first, or it failed and says so when we look again.
                await client.collections.delete(made.name)
        self.forget()
        found = await self.look()
        if found is None:
            raise MemoryUnavailable(f"the alias {self.alias} could not be made")
        return found


def _differ(there: Collection, here: Collection) -> str:
    return f"they are of {_said(there)}, and this worker's of {_said(here)}"


def _said(collection: Collection) -> str:
    return f"{collection.model}, {collection.dimension} long" if collection.dimension else "words only"
