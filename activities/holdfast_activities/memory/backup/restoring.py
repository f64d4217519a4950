"""Write the memories of a backup into a store."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast_activities.state.backup.file import MemoryPart
from holdfast_activities.state.backup.memories import Pages
from holdfast_activities.state.encryption.cipher import CLEAR, Cipher
from holdfast_workflows.contracts.errors import BackupDamaged, MemoriesNotEmpty

from ..base import Collection, Embedder, MemoryStore, Record
from ..finding import embeddable
from .comparing import Vectors, compare, count, missing, records


@dataclass(frozen=True)
class MemoryRestore:
    """Writes memories into a store, which must be empty or have a part of them.

    With an embedder of another model than the backup's they are embedded again. Without an embedder they keep the
    backup's vectors, or none if ``words_only``.
    """

    store: MemoryStore
    cipher: Cipher = CLEAR
    embedder: Embedder | None = None
    words_only: bool = False

    async def __call__(self, part: MemoryPart, pages: Pages) -> int:
        """Write the memories, compare them, and return how many there are. Repeating it changes nothing.

        Raises:
            MemoriesNotEmpty: The store has other memories.
            EmbeddingMismatch: The store has vectors of another model.
            EmbeddingFailed: The embedder did not answer; repeating it goes on.
            BackupDamaged: The stored memories are not those of the backup.
            EncryptionError: The backup's memories do not decrypt with these keys.
        """
        target = await self._target(part)
        vectors: Vectors = "same" if target == Collection(part.model, part.dimension) else "present"
        if not target.dimension:
            vectors = "ignored"
        await self._refuse_others(pages)
        await self.store.begin(target)
        if not await count(self.store):
            await self.store.set_indexing(part.indexing)
        async for tenant, some in records(pages, self.cipher):
            left = missing(some, await self.store.get(tenant, [each.id for each in some]))
            if left:
                await self.store.put(tenant, await self._with_vectors(left, vectors))
        found = await compare(self.store, pages, self.cipher, vectors)
        if not found.equal:
            raise BackupDamaged(
                f"memories: the store has {found.stored:,}, the backup {found.expected:,}; {found.same:,} are the same"
            )
        return found.expected

    async def _target(self, part: MemoryPart) -> Collection:
        """The collection of the restored memories."""
        if self.embedder is not None:
            known = self.embedder.model == part.model
            return Collection(
                self.embedder.model, part.dimension if known else await self.embedder.dimension()
            )
        return Collection() if self.words_only else Collection(part.model, part.dimension)

    async def _refuse_others(self, pages: Pages) -> None:
        stored = await count(self.store)
        if stored and not (await compare(self.store, pages, self.cipher, "ignored")).begun:
            raise MemoriesNotEmpty(f"it has {stored:,} memories")

    async def _with_vectors(self, some: Sequence[Record], vectors: Vectors) -> Sequence[Record]:
        if vectors == "ignored":
            return [replace(each, vector=None) for each in some]
        if vectors == "same" or self.embedder is None:
            return some
        made = await self.embedder.embed([embeddable(each.text) for each in some])
        return [replace(each, vector=vector) for each, vector in zip(some, made, strict=True)]


async def prove(folder: Path, part: MemoryPart, pages: Pages, cipher: Cipher = CLEAR) -> int:
    """Restore memories into a scratch file, compare them, and return how many there are. Raises as a restore."""
    from ..embedded.store import open_embedded

    store = await open_embedded(folder / "memory.db", synchronous="NORMAL")
    try:
        return await MemoryRestore(store, cipher)(part, pages)
    finally:
        await store.close()
