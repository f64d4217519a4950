"""The memories as a library: what programs do that can reach where they are kept."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self
from uuid import uuid4

from holdfast_activities import clock
from holdfast_activities.models.config import ProviderConfig, providers_from, read_providers
from holdfast_workflows.contracts.agent.memory import (
    FLOOR,
    MOST,
    MemoryKind,
    MemoryQuery,
    MemoryStats,
    MemoryTurn,
    MigrateResult,
    Trust,
)
from holdfast_workflows.contracts.errors import SettingsInvalid

from .memories import Memories
from .opening import make_memories
from .outbox.changes import Change, FactDraft
from .turns import seconds
from .views import Views

_AT_ONCE = 64
"""Turns that are embedded and written together."""


class OpenMemory:
    """Memories that this program reads and writes; ``open_memory`` opens them.

    A ``scope`` is a name such as ``user:42``, ``agent:support`` or ``tenant``. Where scopes are asked
    for and none is given, all of the tenant is meant. Every method raises MemoryUnavailable where the store
    does not answer, EmbeddingMismatch where it holds vectors of another model, and those that write
    EmbeddingFailed where no vectors could be had; what failed can be done again. Every call has a deadline
    and no circuit breaker, whose state is in the workers' state database: who asks a store that is away waits for
    each answer. For the same reason workers do not know what is forgotten or erased here, and a change that one of
    them is just applying may bring it back; where workers write to the store, use ``client.memory``.
    """

    def __init__(self, memories: Memories) -> None:
        self._memories = memories
        self._adding = asyncio.Lock()  # so that two lists of turns of a session do not take the same places

    @classmethod
    def at(cls, url: str, embeddings: str, home: Path, environ: Mapping[str, str]) -> Self:
        """The memories at a URL, opened at first use; see ``make_memories``. Without one they are where workers with
        this environment keep them.

        Raises:
            SettingsInvalid: A setting names nothing that there is.
            EmbedderBroken: The embedder's key is missing.
        """
        state_url = "" if url else _url(environ, "HOLDFAST_STATE_URL")
        url = url or _url(environ, "HOLDFAST_MEMORY_URL")
        return cls(
            make_memories(url, embeddings, home, _providers(environ), environ=environ, state_url=state_url)
        )

    async def add(self, turns: Sequence[MemoryTurn], *, tenant: str = "", scope: str) -> Sequence[str]:
        """Keep what was said, word for word.

        Args:
            turns: In the order in which it was said. A turn that is there already stays as it is.
            tenant: Whose it is; tenants never see each other's.
            scope: Where in the tenant it is kept.

        Returns:
            The turns' ids, in their order.
        """
        ids: list[str] = []
        async with self._adding:
            for start in range(0, len(turns), _AT_ONCE):
                drafts = await self._memories.drafts(tenant, scope, turns[start : start + _AT_ONCE])
                await self._memories.apply(Change(id=uuid4().hex, tenant=tenant, turns=tuple(drafts)))
                ids += [draft.id for draft in drafts]
        return ids

    async def add_fact(
        self,
        text: str,
        *,
        tenant: str = "",
        scope: str,
        topic: str = "",
        importance: float = 0.7,
        trust: Trust = "user",
        sources: Sequence[str] = (),
        replaces: str = "",
        at: datetime | float | None = None,
        expires: datetime | float | None = None,
        id: str = "",
    ) -> str:
        """Hold something true.

        A fact that says what another of the scope says already is merged with it; one that is newer and no less
        trusted than others of its topic takes their place.

        Args:
            text: The fact, in a sentence.
            tenant: Whose it is.
            scope: Where in the tenant it is kept.
            topic: What it is about, such as ``home city``.
            importance: From 0 to 1.
            trust: Who it goes back to.
            sources: Ids of the memories that it was drawn from.
            replaces: The id of a fact that it contradicts.
            at: When it became true; now by default.
            expires: When it is to be forgotten; never by default.
            id: The same id twice is the same fact; made up by default.

        Returns:
            Its id, which no memory has if it was merged.
        """
        fact = FactDraft(
            id=id or f"fact:{uuid4().hex}",
            scope=scope,
            text=text,
            at=clock.now() if at is None else seconds(at),
            topic=topic,
            importance=importance,
            trust=trust,
            sources=tuple(sources),
            replaces=replaces,
            expires=0.0 if expires is None else seconds(expires),
        )
        await self._memories.apply(Change(id=fact.id, tenant=tenant, facts=(fact,)))
        return fact.id

    async def search(
        self,
        text: str,
        *,
        tenant: str = "",
        scope: str = "",
        scopes: Sequence[str] = (),
        kinds: Sequence[MemoryKind] = (),
        limit: int = MOST,
        floor: float = FLOOR,
        now: datetime | float | None = None,
    ) -> Views:
        """What bears on a text, best first, each with its ``score`` from 0 to 1 and ``why`` it was found.

        Args:
            text: A question, or anything.
            tenant: Whose memories.
            scope: One scope to look in.
            scopes: More of them.
            kinds: ``turn``, ``episode``, ``fact``; all by default.
            limit: How many at most.
            floor: The least score.
            now: What dates in the text are relative to; the clock by default.
        """
        return await self._memories.search(
            text,
            tenant=tenant,
            scopes=_scopes(scope, scopes),
            kinds=kinds,
            limit=limit,
            floor=floor,
            now=0.0 if now is None else seconds(now),
        )

    async def list(
        self,
        *,
        tenant: str = "",
        scope: str = "",
        scopes: Sequence[str] = (),
        kinds: Sequence[MemoryKind] = (),
        superseded: bool = False,
        limit: int = 50,
        after: str = "",
    ) -> Views:
        """Memories in order of their ids, up to 500; ``after`` is the last id of the page before."""
        page = await self._memories.list(
            MemoryQuery(
                tenant=tenant,
                scopes=_scopes(scope, scopes),
                kinds=tuple(kinds),
                superseded=superseded,
                limit=limit,
                after=after,
            )
        )
        return list(page.memories)

    async def forget(self, ids: Sequence[str], *, tenant: str = "") -> int:
        """Remove memories for good; how many those were, with the facts that they took the place of."""
        return len(await self._memories.forget(tenant, ids))

    async def erase(self, *, tenant: str, scope: str = "", session: str = "") -> int:
        """Remove a scope, or what was said in a session, and what was drawn from that alone; or else the whole tenant."""
        return await self._memories.erase(tenant, scope=scope, session=session)

    async def stats(self) -> MemoryStats:
        """How much there is, and what its vectors were made by."""
        return await self._memories.stats()

    async def migrate(self) -> MigrateResult:
        """Embed everything again with this program's embedder."""
        return await self._memories.migrate()

    async def close(self) -> None:
        """Let go of the store and the embedder."""
        await self._memories.close()


def _url(environ: Mapping[str, str], name: str) -> str:
    """A URL, or what is in the file that holds it."""
    file = environ.get(f"{name}_FILE", "")
    if environ.get(name, "") or not file:
        return environ.get(name, "")
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsInvalid(f"{name}_FILE: {error}") from None


def _providers(environ: Mapping[str, str]) -> Mapping[str, ProviderConfig]:
    """The same as a worker's: those that are always there, and those of HOLDFAST_PROVIDERS."""
    return {**providers_from(environ), **read_providers(environ.get("HOLDFAST_PROVIDERS") or "{}")}


def _scopes(scope: str, scopes: Sequence[str]) -> tuple[str, ...]:
    return (*((scope,) if scope else ()), *scopes)
