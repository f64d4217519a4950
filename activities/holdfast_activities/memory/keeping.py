"""What the activities and the library do with memories, whatever store is behind."""

import math
from collections.abc import Sequence
from typing import Protocol, TypeAlias

from holdfast_workflows.contracts.memory import (
    FLOOR,
    MOST,
    MemoryKind,
    MemoryPage,
    MemoryQuery,
    MemoryStats,
    MemoryView,
    MigrateResult,
)

from .outbox.changes import Change

Views: TypeAlias = list[MemoryView]
"""A name of its own, since within the class ``list`` is the method."""


class Keeping(Protocol):
    """The memories of a worker. ``Memories`` is the one there is.

    Every method raises MemoryUnavailable at once while the store's breaker is open, and after its
    deadline where it does not answer. It is opened at first use, so a store that is down does not
    keep a worker from starting.
    """

    async def check(self) -> None:
        """Open the store, if it answers.

        Raises:
            EmbeddingMismatch: It holds vectors of another model.
            MemoryUnavailable: It does not answer.
        """
        ...

    async def search(
        self,
        text: str,
        *,
        tenant: str,
        scopes: Sequence[str],
        kinds: Sequence[MemoryKind] = (),
        limit: int = MOST,
        floor: float = FLOOR,
        now: float = 0.0,
    ) -> Views:
        """What bears on a text, best first; ``now`` is what dates in it are relative to (the clock by default).

        Notes on each memory that it was used.
        """
        ...

    async def list(self, query: MemoryQuery) -> MemoryPage:
        """Memories in order of their ids; a query with text searches."""
        ...

    async def get(self, tenant: str, ids: Sequence[str]) -> Views:
        """Those of the ids that are there, in the order of the ids."""
        ...

    async def apply(self, change: Change) -> int:
        """Bring a change to the store; applied again it changes nothing. How many memories it made or changed.

        Facts that say the same as one that is there are merged with it: its sources grow. A fact that
        replaces one by id, or by its topic within the scope, supersedes it, and the old one stays as a trail.
        A fact of less trust does not supersede one of more: an agent's or a tool's never takes the place
        of a user's or an operator's.
        """
        ...

    async def forget(self, tenant: str, ids: Sequence[str]) -> Views:
        """Remove memories for good; those that were there, with the facts that they took the place of."""
        ...

    async def erase(
        self, tenant: str, *, scope: str = "", session: str = "", before: float = math.inf
    ) -> int:
        """Remove a scope, what was said in a session (and facts drawn from nothing else), or the whole tenant.

        With ``before`` only what was brought before that time, as far as can be told: see ``lifecycle.brought``.
        """
        ...

    async def expire(self, now: float) -> int:
        """Remove what is past its time, and what has decayed: unimportant and long unused."""
        ...

    async def consolidate(self, now: float) -> int:
        """Draw the turns of sessions that have been quiet for long together into episodes, which take their place."""
        ...

    async def optimise(self) -> int:
        """Give back storage that nothing uses, in bytes."""
        ...

    async def stats(self) -> MemoryStats:
        """How much there is; ``waiting`` is the outbox's to say."""
        ...

    async def migrate(self) -> MigrateResult:
        """Embed everything anew with the embedder that is set up here."""
        ...

    async def close(self) -> None:
        """Let go of the store and the embedder."""
        ...
