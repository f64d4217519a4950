"""Memories, as people and applications look after them: read and changed through activities of the workers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

import holdfast_temporal
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.memory import (
    FLOOR,
    MOST,
    TASKS,
    AddMemory,
    EraseInput,
    EraseKind,
    ForgetMemories,
    MaintainInput,
    MaintenanceReport,
    MaintenanceTask,
    MemoryKind,
    MemoryPage,
    MemoryQuery,
    MemoryStats,
    MemoryView,
    MigrateInput,
    MigrateResult,
)
from holdfast_workflows.contracts.text import preview

from . import erasing, messages
from .erasing import Erased
from .wire import Wire

_PAGE = 100

_MIGRATION = 6 * 3_600.0
"""Seconds that embedding everything anew may take."""

_SHORTEST = timedelta(minutes=1)


class Memory:
    """What the agents of a queue's workers remember. Made by ``Client.memory``."""

    def __init__(self, wire: Wire) -> None:
        """Use a connection."""
        self._wire = wire

    async def search(
        self,
        text: str,
        *,
        tenant: str = "",
        scopes: Sequence[str] = (),
        kinds: Sequence[MemoryKind] = (),
        limit: int = MOST,
        floor: float = FLOOR,
    ) -> tuple[MemoryView, ...]:
        """Memories that bear on a text, best first, each with its score and what that was made of.

        Args:
            text: A question or a few words.
            tenant: Whose memories; no other tenant's are ever found.
            scopes: Only of these, such as ``user:42``; all by default.
            kinds: Only of these: ``turn``, ``episode``, ``fact``.
            limit: At most so many.
            floor: The least relevance, from 0 to 1.

        Raises:
            BadInput: The text is empty, or a bound cannot be.
            MemoryUnavailable: The memory store does not answer.
        """
        if not text.strip():
            raise BadInput("say what to search for; list gives all")
        query = _query(
            tenant=tenant, text=text, scopes=tuple(scopes), kinds=tuple(kinds), limit=limit, floor=floor
        )
        return (await self._read(query)).memories

    async def list(
        self,
        *,
        tenant: str = "",
        scopes: Sequence[str] = (),
        kinds: Sequence[MemoryKind] = (),
        superseded: bool = False,
    ) -> AsyncGenerator[MemoryView]:
        """Every memory that fits, in order of their ids.

        Args:
            tenant: Whose memories.
            scopes: Only of these, such as ``user:42``.
            kinds: Only of these: ``turn``, ``episode``, ``fact``.
            superseded: Whether facts that others took the place of come, too.
        """
        after, more = "", True
        while more:
            query = _query(
                tenant=tenant,
                scopes=tuple(scopes),
                kinds=tuple(kinds),
                superseded=superseded,
                limit=_PAGE,
                after=after,
            )
            page = await self._read(query)
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
        """Give agents a fact to remember; returns its id.

        Args:
            text: The fact, as a sentence that can stand alone.
            scope: Who recalls it: ``user:42``, ``agent:support``, ``session:…`` or ``tenant``.
            tenant: Whose it is.
            topic: What it is about (``home city``): it takes the place of the fact of this topic in this scope.
            importance: From 0 to 1.
            expires: When it is to be forgotten; never by default, and in UTC without a zone.
            id: The same twice is the same memory; random by default.
            by: Who gives it.
        """
        id = id or messages.new_id("f")
        until = 0.0
        if expires is not None:
            until = (expires if expires.tzinfo else expires.replace(tzinfo=UTC)).timestamp()
        try:
            request = AddMemory(
                id=id,
                text=text,
                scope=scope,
                tenant=tenant,
                topic=topic,
                importance=importance,
                expires=until,
                by=by,
            )
        except ValidationError as error:
            raise BadInput(preview(str(error))) from error
        await self._wire.activity(names.ADD_MEMORY, request, object)
        return id

    async def forget(self, *ids: str, tenant: str = "") -> int:
        """Forget memories by their ids, for good; how many there were."""
        request = ForgetMemories(ids=ids, tenant=tenant)
        return await self._wire.activity(names.FORGET_MEMORIES, request, int)

    async def stats(self) -> MemoryStats:
        """How much there is, what embeds it, and how much waits for the store."""
        return await self._wire.activity(names.MEMORY_STATS, None, MemoryStats)

    async def erase(
        self, kind: EraseKind, id: str = "", *, tenant: str = "", by: str = "", stop: bool = False
    ) -> Erased:
        """Erase all that is held of a session, a user of a tenant, or a tenant, with the histories in Temporal.

        Args:
            kind: ``session``, ``user`` or ``tenant``.
            id: The session or the user; empty for the tenant itself.
            tenant: The tenant; empty for what was said without one.
            by: Who asks for it.
            stop: End sessions that are still running, at once.

        Raises:
            SessionRunning: A session still runs, and was not to be stopped. Nothing was erased.
            BadInput: The id is missing, or there is one too many.
        """
        if bool(id) == (kind == "tenant"):
            raise BadInput("a session or a user is erased by its id, a tenant by its name alone")
        return await erasing.erase(self._wire, EraseInput(kind=kind, id=id, tenant=tenant, by=by), stop=stop)

    async def migrate(self) -> MigrateResult:
        """Embed every memory anew, with the embedder that the workers are set up with now."""
        return await self._wire.activity(
            names.MIGRATE_MEMORY, MigrateInput(), MigrateResult, seconds=_MIGRATION
        )

    async def maintain(self, *tasks: MaintenanceTask) -> MaintenanceReport:
        """Run maintenance now and wait for it; a run that goes on already is waited for instead.

        Args:
            tasks: Only these: ``outbox``, ``expire``, ``consolidate``, ``optimise``, ``prune``.
        """
        unknown = [task for task in tasks if task not in TASKS]
        if unknown:
            raise BadInput(f"{unknown[0]!r} is no task of maintenance; there are {', '.join(TASKS)}")
        return await self._wire.maintain(MaintainInput(tasks=tasks or TASKS))

    async def schedule(self, every: timedelta | None) -> None:
        """Have maintenance run every so often from now on; None for never, unless ``maintain`` is called.

        Raises:
            BadInput: It is less than a minute.
            ServiceError: The server does not let us.
        """
        queue, temporal = await self._wire.queue(), self._wire.temporal
        id = names.maintenance_id(queue)
        if every is None:
            await holdfast_temporal.remove_schedule(temporal, id)
            return
        if every < _SHORTEST:
            raise BadInput(f"maintenance runs every {_SHORTEST} or more seldom, not every {every}")
        wanted = holdfast_temporal.Repeated(
            id, names.MAINTENANCE_WORKFLOW, MaintainInput(), queue, every, "maintenance"
        )
        await holdfast_temporal.ensure_schedule(temporal, wanted, replace=True)

    async def _read(self, query: MemoryQuery) -> MemoryPage:
        return await self._wire.activity(names.SEARCH_MEMORY, query, MemoryPage)


def _query(**given: object) -> MemoryQuery:
    try:
        return MemoryQuery.model_validate(given)
    except ValidationError as error:
        raise BadInput(preview(str(error))) from error
