"""Memories without async; see ``holdfast_client.memory``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from holdfast_workflows.contracts.memory import (
    FLOOR,
    MOST,
    EraseKind,
    MaintenanceReport,
    MaintenanceTask,
    MemoryKind,
    MemoryStats,
    MemoryView,
    MigrateResult,
)

from . import memory as asynchronous
from .erasing import Erased
from .portal import Portal


class Memory:
    """What the agents remember; see ``holdfast_client.memory.Memory``."""

    def __init__(self, memory: asynchronous.Memory, portal: Portal) -> None:
        """Made by ``Client.memory``."""
        self._memory = memory
        self._portal = portal

    def search(
        self,
        text: str,
        *,
        tenant: str = "",
        scopes: Sequence[str] = (),
        kinds: Sequence[MemoryKind] = (),
        limit: int = MOST,
        floor: float = FLOOR,
    ) -> tuple[MemoryView, ...]:
        """Memories that bear on a text, best first."""
        found = self._memory.search(text, tenant=tenant, scopes=scopes, kinds=kinds, limit=limit, floor=floor)
        return self._portal.call(found)

    def list(
        self,
        *,
        tenant: str = "",
        scopes: Sequence[str] = (),
        kinds: Sequence[MemoryKind] = (),
        superseded: bool = False,
    ) -> Iterator[MemoryView]:
        """Every memory that fits, in order of their ids."""
        return self._portal.iterate(
            lambda: self._memory.list(tenant=tenant, scopes=scopes, kinds=kinds, superseded=superseded)
        )

    def add(
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
        """Give agents a fact to remember; returns its id."""
        added = self._memory.add(
            text,
            scope=scope,
            tenant=tenant,
            topic=topic,
            importance=importance,
            expires=expires,
            id=id,
            by=by,
        )
        return self._portal.call(added)

    def forget(self, *ids: str, tenant: str = "") -> int:
        """Forget memories by their ids, for good; how many there were."""
        return self._portal.call(self._memory.forget(*ids, tenant=tenant))

    def stats(self) -> MemoryStats:
        """How much there is, what embeds it, and how much waits for the store."""
        return self._portal.call(self._memory.stats())

    def erase(
        self, kind: EraseKind, id: str = "", *, tenant: str = "", by: str = "", stop: bool = False
    ) -> Erased:
        """Erase all that is held of a session, a user of a tenant, or a tenant."""
        return self._portal.call(self._memory.erase(kind, id, tenant=tenant, by=by, stop=stop))

    def migrate(self) -> MigrateResult:
        """Embed every memory anew, with the embedder that the workers are set up with now."""
        return self._portal.call(self._memory.migrate())

    def maintain(self, *tasks: MaintenanceTask) -> MaintenanceReport:
        """Run maintenance now and wait for it."""
        return self._portal.call(self._memory.maintain(*tasks))

    def schedule(self, every: timedelta | None) -> None:
        """Have maintenance run every so often from now on; None for never."""
        return self._portal.call(self._memory.schedule(every))
