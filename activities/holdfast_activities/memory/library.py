"""Memories as a library, for programs that can reach the store."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self
from uuid import uuid4

from holdfast_activities import clock
from holdfast_activities.models.config import ProviderConfig, providers_from, read_providers
from holdfast_activities.state.encryption.cipher import CLEAR, Cipher, cipher_of
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
from holdfast_workflows.contracts.public import public

from .memories import Memories
from .opening import make_memories
from .outbox.changes import Change, FactDraft
from .turns import seconds
from .views import Views

__all__ = ["CLEAR", "Cipher", "OpenMemory", "cipher_of"]

_BATCH = 64
"""Turns that are embedded and written together."""


@public
class OpenMemory:
    """Memories that this program reads and writes; ``open_memory`` opens them.

    A ``scope`` is a name such as ``user:42``, ``agent:support`` or ``tenant``; without scopes the whole tenant is
    searched. Every method raises MemoryUnavailable if the store does not answer and EmbeddingMismatch if it holds
    vectors of another model. Those that write raise EmbeddingFailed if the embedder fails. Failed calls can be repeated.

    Every call has a deadline but no circuit breaker, because breakers are in the workers' state database. For the
    same reason workers do not learn what is deleted here: a change that a worker is applying may restore it. If
    workers write to the store, use ``client.memory``.
    """

    def __init__(self, memories: Memories) -> None:
        self._memories = memories
        self._adding = asyncio.Lock()  # so that two lists of turns do not get the same places

    @classmethod
    def at(
        cls, url: str, embeddings: str, home: Path, environ: Mapping[str, str], cipher: Cipher = CLEAR
    ) -> Self:
        """Open memories at first use; see ``make_memories``. Without a URL, those of this environment's workers.

        Raises:
            SettingsInvalid: A setting is invalid.
            EmbedderBroken: The embedder's key is missing.
        """
        state_url = "" if url else _url(environ, "HOLDFAST_STATE_URL")
        url = url or _url(environ, "HOLDFAST_MEMORY_URL")
        return cls(
            make_memories(
                url,
                embeddings,
                home,
                _providers(environ),
                environ=environ,
                state_url=state_url,
                cipher=cipher,
            )
        )

    async def add(self, turns: Sequence[MemoryTurn], *, tenant: str = "", scope: str) -> Sequence[str]:
        """Store turns word for word and return their ids, in order. Existing turns stay as they are."""
        ids: list[str] = []
        async with self._adding:
            for start in range(0, len(turns), _BATCH):
                drafts = await self._memories.drafts(tenant, scope, turns[start : start + _BATCH])
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
        """Store a fact and return its id; no memory has the id if the fact was merged.

        A fact that says the same as another one of the scope is merged with it. A newer fact supersedes others of
        its topic that are not more trusted.

        Args:
            text: One sentence.
            tenant: Tenants never mix.
            scope: Where in the tenant it is stored.
            topic: Its subject, such as ``home city``.
            importance: From 0 to 1.
            trust: Its origin.
            sources: Ids of the memories it was derived from.
            replaces: Id of a fact that it contradicts.
            at: When it became true; now by default.
            expires: When it expires; never by default.
            id: The same id twice is the same fact; random by default.
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
        """Return memories relevant to a text, best first, with a ``score`` from 0 to 1 and ``why``.

        ``floor`` is the minimum score; relative dates in the text are resolved at ``now`` (default: the clock).
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
        """Return up to 500 memories in id order; ``after`` is the last id of the previous page."""
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
        """Delete memories with the facts they superseded; return how many."""
        return len(await self._memories.forget(tenant, ids))

    async def erase(self, *, tenant: str, scope: str = "", session: str = "") -> int:
        """Delete a scope, or a session with what was derived only from it, or the whole tenant; return how many."""
        return await self._memories.erase(tenant, scope=scope, session=session)

    async def stats(self) -> MemoryStats:
        """Count the memories, and name the model of their vectors."""
        return await self._memories.stats()

    async def migrate(self) -> MigrateResult:
        """Embed everything again with this program's embedder."""
        return await self._memories.migrate()

    async def close(self) -> None:
        """Close the store and the embedder."""
        await self._memories.close()


def _url(environ: Mapping[str, str], name: str) -> str:
    """Return a URL from the environment, or from the file that it names."""
    file = environ.get(f"{name}_FILE", "")
    if environ.get(name, "") or not file:
        return environ.get(name, "")
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsInvalid(f"{name}_FILE: {error}") from None


def _providers(environ: Mapping[str, str]) -> Mapping[str, ProviderConfig]:
    """Return a worker's providers: the built-in ones, and those of HOLDFAST_PROVIDERS."""
    return {**providers_from(environ), **read_providers(environ.get("HOLDFAST_PROVIDERS") or "{}")}


def _scopes(scope: str, scopes: Sequence[str]) -> tuple[str, ...]:
    return (*((scope,) if scope else ()), *scopes)
