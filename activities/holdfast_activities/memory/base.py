"""What a memory store and an embedder do; every store passes one suite.

A store keeps records and finds them: by words, by vector, by filter. What a score means,
how the two are put together and what is relevant is decided above it, the same for all
stores. A store never sees a query's text or a model; it gets terms and vectors.

Times are seconds since 1970, UTC. Tenants never mix: every method but those of the whole
collection names one.
"""

from __future__ import annotations  # numpy is loaded by the stores and embedders that use it

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from holdfast_workflows.contracts.memory import MemoryKind, Trust

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
        kind: See ``MemoryKind``.
        text: What is remembered, word for word.
        at: When it was said or became true.
        speaker: Who said it; empty if nobody in particular.
        session: Where it was said; empty if nowhere in particular.
        place: Its order within the session.
        importance: From 0 to 1.
        trust: Who it goes back to.
        sources: Ids of what it was drawn from.
        topic: What a fact is about (``home city``): a newer one of the same scope and topic takes its place.
        superseded_by: The id of what took its place; empty while it holds.
        expires: When it is to be forgotten; 0 for never.
        used: When it was last recalled; 0 for never.
        uses: How often it was.
        words: The terms it is found by, in lower case, separated by single spaces; made above the store.
        vector: Of its text; None where there is no embedder.
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
    """Which records are meant; the default is all that hold now.

    Attributes:
        scopes: Any of these; none for all.
        kinds: Any of these; none for all.
        session: Said in this session; empty for any.
        topic: About this; empty for any.
        superseded: Whether those that others took the place of are meant, too.
        now: What expires at or before it is not meant; 0 to mean it, too.
        before: Only those with ``at`` below it; 0 for all.
        expired: Only those that expire at or before ``now``.
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
    """A record that was found, with the store's raw score: BM25 (above 0, no upper bound) or the cosine.

    The record comes without its vector.
    """

    record: Record
    score: float


@dataclass(frozen=True, slots=True)
class Collection:
    """What the vectors of a store are: the embedder's model and their length; ``""`` and 0 for words only."""

    model: str = ""
    dimension: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a store holds."""

    tenants: int = 0
    turns: int = 0
    episodes: int = 0
    facts: int = 0
    superseded: int = 0
    bytes: int = 0


Records: TypeAlias = list[Record]
Ranking: TypeAlias = list[Scored]
Names: TypeAlias = list[str]
# Names of their own, since the store has a method ``list``, which hides the type within the class.

Embed = Callable[[Sequence[str]], Awaitable[Sequence[Vector]]]


class MemoryStore(Protocol):
    """Where memories are kept.

    Every method raises MemoryUnavailable where the store does not answer, and whatever was being
    written may then be there or not: writing it again is safe, since ids decide. Writes are
    durable when they return.
    """

    @property
    def name(self) -> str:
        """``embedded``, ``postgres`` or ``weaviate``."""
        ...

    async def collection(self) -> Collection | None:
        """What the vectors in it are; None for a store that was never begun."""
        ...

    async def begin(self, collection: Collection) -> None:
        """Make it ready for such vectors; harmless where it is.

        A store of words only may be begun for words only or, while it is empty, for vectors.

        Raises:
            EmbeddingMismatch: It holds others. Nothing was changed.
        """
        ...

    async def indexing(self) -> int:
        """Which version of the terms its records' ``words`` are of; 0 for a store where none was set."""
        ...

    async def set_indexing(self, version: int) -> None:
        """Note that all its records' ``words`` are of a version of the terms."""
        ...

    async def put(self, tenant: str, records: Sequence[Record]) -> None:
        """Insert records, or replace those whose ids are there; all of them or none, where the store can.

        A record without a vector in a collection of vectors is found by words alone.

        Raises:
            BadInput: A vector of another length, or an id or tenant that cannot be a key.
        """
        ...

    async def get(self, tenant: str, ids: Sequence[str]) -> Records:
        """Those of the ids that are there, with their vectors, in the order of the ids."""
        ...

    async def list(self, tenant: str, wanted: Filter, *, after: str = "", limit: int = 100) -> Records:
        """Records that a filter means, with ids above ``after``, in order of their ids, without vectors."""
        ...

    async def around(self, tenant: str, places: Sequence[tuple[str, int]], reach: int = 1) -> Records:
        """Turns that were said at most ``reach`` places before or after a place of a session, those there included.

        Places count up by one within a session. Without vectors.
        """
        ...

    async def by_words(self, tenant: str, terms: Sequence[str], wanted: Filter, limit: int) -> Ranking:
        """Records with any of the terms, best first by BM25 (k1 1.2, b 0.75) over ``words``; terms are as there."""
        ...

    async def by_vector(self, tenant: str, vector: Vector, wanted: Filter, limit: int) -> Ranking:
        """Records nearest to a vector, best first by cosine."""
        ...

    async def touch(self, tenant: str, ids: Sequence[str], now: float) -> None:
        """Note that records were recalled: ``used`` is now, ``uses`` one more; one that is gone stays gone.

        Not by ``put``, which would bring back what was deleted since it was read, and take with it
        what is cached of a tenant.
        """
        ...

    async def reword(self, tenant: str, words: Mapping[str, str]) -> None:
        """Set the ``words`` of records by their ids; one that is gone stays gone."""
        ...

    async def delete(self, tenant: str, ids: Sequence[str]) -> int:
        """Remove records for good; how many were there."""
        ...

    async def erase(self, tenant: str, wanted: Filter | None = None) -> int:
        """Remove all that a filter means, or the tenant with all it holds; how many that were."""
        ...

    async def tenants(self) -> Names:
        """The tenants that hold anything, in order."""
        ...

    async def counts(self) -> Counts:
        """How much it holds, of all tenants."""
        ...

    async def migrate(self, collection: Collection, embed: Embed) -> int:
        """Embed every record's text anew, by what ``embed`` gives for a batch; how many that were.

        The store serves the old vectors until all new ones are there, and then only those; one
        that was killed amid it serves the old ones, and the next migration begins anew.
        """
        ...

    async def optimise(self) -> int:
        """Give back storage that nothing uses; about how many bytes."""
        ...

    async def close(self) -> None:
        """Finish and close."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def model(self) -> str:
        """Which model makes the vectors; two that give the same name give the same vectors."""
        ...

    async def dimension(self) -> int:
        """How long a vector is; a remote model is asked for one to find out.

        Raises:
            EmbeddingFailed: It did not answer.
        """
        ...

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """A vector of unit length for each text.

        Raises:
            EmbeddingFailed: They could not be had; ``retry_after`` where the server said so.
        """
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...
