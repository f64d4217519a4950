"""Interfaces of memory stores and embedders. Every store passes one conformance suite.

A store keeps records and finds them by words, by vector and by filter. It gets terms and vectors, never a
query's text or a model. Ranking and relevance are computed above it, the same for all stores.

Times are seconds since 1970, UTC. Tenants never mix.
"""

from __future__ import annotations  # numpy is loaded by the stores and embedders that use it

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from holdfast_workflows.contracts.agent.memory import MemoryKind, Trust

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Vector: TypeAlias = "npt.NDArray[np.float32]"
"""One dimension, unit length."""


@dataclass(frozen=True, slots=True)
class Record:
    """One memory as it is stored.

    Attributes:
        id: Unique within the tenant; any text up to 400 characters.
        scope: Such as ``user:42``, ``session:abc``, ``agent:support`` or ``tenant``.
        at: When it was said or became true.
        speaker: Empty if unknown.
        session: Empty if it belongs to none.
        place: Its order within the session.
        importance: From 0 to 1.
        trust: Its origin.
        sources: Ids of the memories it was derived from.
        topic: Subject of a fact (``home city``): a newer fact of the same scope and topic supersedes it.
        superseded_by: Id of the fact that superseded it; empty while it is valid.
        expires: Expiry time; 0 for never.
        used: When it was last recalled; 0 for never.
        uses: Number of recalls.
        words: Index terms, lower case, separated by single spaces; computed above the store.
        vector: Embedding of its text; None without an embedder.
    """

    id: str
    scope: str
    kind: MemoryKind
    text: str
    at: float
    speaker: str = ""
    session: str = ""
    place: int = 0
    importance: float = 0.5
    trust: Trust = "user"
    sources: tuple[str, ...] = ()
    topic: str = ""
    superseded_by: str = ""
    expires: float = 0.0
    used: float = 0.0
    uses: int = 0
    words: str = ""
    vector: Vector | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects records; the default selects all that are not superseded. Empty fields match everything.

    Attributes:
        scopes: Any of these.
        kinds: Any of these.
        superseded: Include superseded records.
        now: Exclude records that expire at or before it; 0 includes them.
        before: Only records with ``at`` below it; 0 for all.
        expired: Only records that expire at or before ``now``.
    """

    scopes: tuple[str, ...] = ()
    kinds: tuple[MemoryKind, ...] = ()
    session: str = ""
    topic: str = ""
    superseded: bool = False
    now: float = 0.0
    before: float = 0.0
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """A hit with the store's raw score: BM25 (above 0, unbounded) or the cosine. The record has no vector."""

    record: Record
    score: float


@dataclass(frozen=True, slots=True)
class Collection:
    """Embedding model and vector length of a store; ``""`` and 0 for words only."""

    model: str = ""
    dimension: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """Number of records in a store, and its size."""

    tenants: int = 0
    turns: int = 0
    episodes: int = 0
    facts: int = 0
    superseded: int = 0
    bytes: int = 0


Records: TypeAlias = list[Record]
Ranking: TypeAlias = list[Scored]
Names: TypeAlias = list[str]
# Aliases, because the store has a method ``list``, which hides the type within the class.

Embed = Callable[[Sequence[str]], Awaitable[Sequence[Vector]]]


class MemoryStore(Protocol):
    """Storage for memories.

    Every method raises MemoryUnavailable if the store does not answer. A failed write may or may not have been
    applied; repeating it is safe, because ids decide. Writes are durable when they return.
    """

    @property
    def name(self) -> str:
        """``embedded``, ``postgres`` or ``weaviate``."""
        ...

    async def collection(self) -> Collection | None:
        """Return the collection; None for a store that was never initialised."""
        ...

    async def begin(self, collection: Collection) -> None:
        """Initialise the store for such vectors. Idempotent.

        A words-only store accepts vectors only while it is empty.

        Raises:
            EmbeddingMismatch: It holds vectors of another model. Nothing was changed.
        """
        ...

    async def indexing(self) -> int:
        """Return the version of the terms in ``words``; 0 if none was set."""
        ...

    async def set_indexing(self, version: int) -> None:
        """Record that the ``words`` of all records have this version of the terms."""
        ...

    async def put(self, tenant: str, records: Sequence[Record]) -> None:
        """Insert or replace records by id, atomically if the store can.

        A record without a vector is found by words only.

        Raises:
            BadInput: A vector of another length, or an id or tenant that cannot be a key.
        """
        ...

    async def get(self, tenant: str, ids: Sequence[str]) -> Records:
        """Return the records that exist, with their vectors, in the order of ``ids``."""
        ...

    async def list(self, tenant: str, wanted: Filter, *, after: str = "", limit: int = 100) -> Records:
        """Return matching records with ids above ``after``, in id order, without vectors."""
        ...

    async def around(self, tenant: str, places: Sequence[tuple[str, int]], reach: int = 1) -> Records:
        """Return the turns at most ``reach`` places from the given (session, place) pairs, without vectors."""
        ...

    async def by_words(self, tenant: str, terms: Sequence[str], wanted: Filter, limit: int) -> Ranking:
        """Return records with any of the terms, best first by BM25 (k1 1.2, b 0.75) over ``words``."""
        ...

    async def by_vector(self, tenant: str, vector: Vector, wanted: Filter, limit: int) -> Ranking:
        """Return the records nearest to a vector, best first by cosine."""
        ...

    async def touch(self, tenant: str, ids: Sequence[str], now: float) -> None:
        """Set ``used`` to ``now`` and increment ``uses``; deleted records stay deleted.

        ``put`` would restore a record that was deleted since it was read, and invalidate the tenant's cache.
        """
        ...

    async def reword(self, tenant: str, words: Mapping[str, str]) -> None:
        """Set the ``words`` of records by id; deleted records stay deleted."""
        ...

    async def delete(self, tenant: str, ids: Sequence[str]) -> int:
        """Delete records; return how many existed."""
        ...

    async def erase(self, tenant: str, wanted: Filter | None = None) -> int:
        """Delete matching records, or the whole tenant; return how many."""
        ...

    async def tenants(self) -> Names:
        """Return the tenants that have records, sorted."""
        ...

    async def counts(self) -> Counts:
        """Count the records of all tenants."""
        ...

    async def migrate(self, collection: Collection, embed: Embed) -> int:
        """Embed every record again with ``embed``; return how many.

        The old vectors are served until all new ones exist. After a crash the old ones are still served, and
        the next migration starts over.
        """
        ...

    async def optimise(self) -> int:
        """Release unused storage; return about how many bytes."""
        ...

    async def close(self) -> None: ...


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def model(self) -> str:
        """Name of the model; equal names give equal vectors."""
        ...

    async def dimension(self) -> int:
        """Return the length of a vector; a remote model embeds one text to find out.

        Raises:
            EmbeddingFailed: It did not answer.
        """
        ...

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """A vector of unit length for each text.

        Raises:
            EmbeddingFailed: The model did not answer; ``retry_after`` if the server sent it.
        """
        ...

    async def close(self) -> None: ...
