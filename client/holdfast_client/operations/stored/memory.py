"""Search and administration of memories, through activities of the workers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime

from holdfast_client import messages
from holdfast_client.requests.errors import bad_input
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent import memory as contracts
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.public import public

from . import erasing
from .erasing import Erased

_PAGE = 100

_MIGRATION = 6 * 3_600.0
"""Seconds that embedding all memories again may take."""


@public
class MemoryClient:
    """The memories of a queue's agents. Made by ``Client.memory``."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def search(
        self,
        text: str,
        *,
        tenant: str = "",
        scopes: Sequence[str] = (),
        kinds: Sequence[contracts.MemoryKind] = (),
        limit: int = contracts.MOST,
        floor: float = contracts.FLOOR,
    ) -> tuple[contracts.MemoryView, ...]:
        """Return memories relevant to a text, best first, each with its score and the score's parts.

        Args:
            text: A question or a few words.
            tenant: Memories of other tenants are never returned.
            scopes: Only of these, such as ``user:42``; all by default.
            kinds: Only of these: ``turn``, ``episode``, ``fact``.
            limit: The maximum number of memories.
            floor: The minimum relevance, from 0 to 1.

        Raises:
            BadInput: The text is empty, or a number is out of range.
            MemoryUnavailable: The memory store does not answer.
        """
        if not text.strip():
            raise BadInput("the search text is empty; use list for all memories")
        page = await self._page(
            tenant=tenant, text=text, scopes=tuple(scopes), kinds=tuple(kinds), limit=limit, floor=floor
        )
        return page.memories

    async def list(
        self,
        *,
        tenant: str = "",
        scopes: Sequence[str] = (),
        kinds: Sequence[contracts.MemoryKind] = (),
        superseded: bool = False,
    ) -> AsyncGenerator[contracts.MemoryView]:
        """Yield every matching memory, ordered by id; with ``superseded`` also facts that were replaced."""
        after, more = "", True
        while more:
            page = await self._page(
                tenant=tenant,
                scopes=tuple(scopes),
                kinds=tuple(kinds),
                superseded=superseded,
                limit=_PAGE,
                after=after,
            )
            for memory in page.memories:
                yield memory
                after = memory.id
            more = page.more and bool(page.memories)

    async def add(
        self,
        text: str,
        *,
        scope: str,
        tenant: str = "",
        topic: str = "",
        importance: float = 0.7,
        expires: datetime | None = None,
        id: str | None = None,
        by: str = "",
    ) -> str:
        """Add a fact to the agents' memories; return its id.

        Args:
            text: The fact, as a self-contained sentence.
            scope: Who recalls it: ``user:42``, ``agent:support``, ``session:…`` or ``tenant``.
            tenant: Its tenant.
            topic: Its topic (``home city``); it replaces the fact with this topic in this scope.
            importance: From 0 to 1.
            expires: When to forget it; never by default. UTC without a zone.
            id: Its id; random by default. The same id again is the same memory.
            by: Who adds it.
        """
        id = id or messages.new_id("f")
        until = 0.0
        if expires is not None:
            until = (expires if expires.tzinfo else expires.replace(tzinfo=UTC)).timestamp()
        with bad_input():
            request = contracts.AddMemory(
                id=id,
                text=text,
                scope=scope,
                tenant=tenant,
                topic=topic,
                importance=importance,
                expires=until,
                by=by,
            )
        await self._requests.activity(names.ADD_MEMORY, request, object)
        return id

    async def forget(self, *ids: str, tenant: str = "") -> int:
        """Delete memories by their ids; return their number."""
        request = contracts.ForgetMemories(ids=ids, tenant=tenant)
        return await self._requests.activity(names.FORGET_MEMORIES, request, int)

    async def stats(self) -> contracts.MemoryStats:
        """Return counts, the embedding model, and the number of writes that wait for the store."""
        return await self._requests.activity(names.MEMORY_STATS, None, contracts.MemoryStats)

    async def erase(
        self, kind: contracts.EraseKind, id: str = "", *, tenant: str = "", by: str = "", stop: bool = False
    ) -> Erased:
        """Erase all data of a session, a user or a tenant, including the histories in Temporal.

        Args:
            kind: ``session``, ``user`` or ``tenant``.
            id: The session or the user; empty for the tenant itself.
            tenant: The tenant; empty for sessions without one.
            by: Who requests it.
            stop: Terminate sessions that are still running.

        Raises:
            SessionRunning: A session is running and ``stop`` is False. Nothing was erased.
            BadInput: The id is missing, or given for a tenant.
        """
        if bool(id) == (kind == "tenant"):
            raise BadInput("give the id of a session or user; for a tenant give only its name")
        return await erasing.erase(
            self._requests, contracts.EraseInput(kind=kind, id=id, tenant=tenant, by=by), stop=stop
        )

    async def migrate(self) -> contracts.MigrateResult:
        """Embed every memory again with the workers' current embedder."""
        return await self._requests.activity(
            names.MIGRATE_MEMORY, contracts.MigrateInput(), contracts.MigrateResult, seconds=_MIGRATION
        )

    async def _page(self, **query: object) -> contracts.MemoryPage:
        with bad_input():
            request = contracts.MemoryQuery.model_validate(query)
        return await self._requests.activity(names.SEARCH_MEMORY, request, contracts.MemoryPage)
