"""The memories of a worker or a program, over a store and an embedder."""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from weakref import WeakValueDictionary

from holdfast_activities import clock
from holdfast_activities.tracing import spans
from holdfast_workflows.contracts.agent.memory import (
    FLOOR,
    MOST,
    MemoryKind,
    MemoryPage,
    MemoryQuery,
    MemoryStats,
    MemoryTurn,
    MigrateResult,
)
from holdfast_workflows.contracts.errors import MemoryUnavailable

from .base import Collection, Embedder, Filter, MemoryStore, Record, Vector
from .embedders.precomputed import Precomputed
from .finding import Finder, embeddable, turn_records
from .maintenance import episodes, lifecycle
from .maintenance.fact_conflicts import settle, topics
from .maintenance.facts import fact_records
from .maintenance.reindexing import Reindexing
from .maintenance.uses import Uses
from .outbox.changes import Change, TurnDraft
from .turns import turn_drafts
from .views import Views, view

_log = logging.getLogger(__name__)


class Memories:
    """What activities and the library do with memories, whichever store holds them.

    The store is opened at first use, so a store that is down does not keep a worker from starting. Every method
    raises MemoryUnavailable at once while the store's breaker is open, and after a deadline if it does not answer.
    ``close`` also closes the store and the embedder.
    """

    def __init__(self, store: MemoryStore, embedder: Embedder | None = None, *, warning: str = "") -> None:
        """Without an embedder, search uses words only. ``warning`` is logged at the first search or change."""
        self._store = store
        self._embedder = embedder
        self._finder = Finder(store, embedder)
        self._uses = Uses(store)
        self._begun = False
        self._warning = warning
        # Serialises read-modify-write per tenant. Between processes the outbox lets only one apply a change,
        # and ``settle`` resolves contradictions.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._reindexing = Reindexing(store, self._lock)

    async def check(self) -> None:
        """Open the store.

        Raises:
            EmbeddingMismatch: It holds vectors of another model.
            MemoryUnavailable: It does not answer.
        """
        if self._begun:
            return
        there = await self._store.collection()
        known = self._embedder is not None and there is not None and there.model == self._embedder.model
        # Does not call the embedding server, which may be down: search then uses words only.
        await self._store.begin(there if there is not None and known else await self._collection())
        self._begun = True
        await self._reindexing.begin(new=there is None)

    @spans.of_memory("search_memory")
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
        """Search by text, best first. Relative dates are resolved at ``now`` (default: the clock).

        Records that each returned memory was used.
        """
        self._warn()
        await self.check()
        found = await self._finder.search(
            text, tenant=tenant, scopes=scopes, kinds=kinds, limit=limit, floor=floor, now=now
        )
        if found:
            self._uses.note(tenant, (one.record.id for one in found))
        return [view(one.record, one.score, one.why) for one in found]

    async def list(self, query: MemoryQuery) -> MemoryPage:
        """List memories in id order; a query with text searches instead."""
        if query.text.strip():
            found = await self.search(
                query.text,
                tenant=query.tenant,
                scopes=query.scopes,
                kinds=query.kinds,
                limit=query.limit,
                floor=query.floor,
            )
            return MemoryPage(memories=tuple(found))
        await self.check()
        wanted = Filter(query.scopes, query.kinds, superseded=query.superseded, now=clock.now())
        page = await self._store.list(query.tenant, wanted, after=query.after, limit=query.limit + 1)
        shown = tuple(view(record) for record in page[: query.limit])
        return MemoryPage(memories=shown, more=len(page) > query.limit)

    async def get(self, tenant: str, ids: Sequence[str]) -> Views:
        """Return the memories that exist, in the order of ``ids``."""
        await self.check()
        return [view(record) for record in await self._store.get(tenant, ids)]

    @spans.of_memory("update_memory")
    async def apply(self, change: Change) -> int:
        """Apply a change to the store and return how many memories it made or changed. Idempotent.

        A fact that says the same as an existing one is merged with it and adds its sources. A fact that replaces
        another by id, or by topic within the scope, supersedes it; the old one stays as a trail. A less trusted
        fact never supersedes a more trusted one: an agent's or a tool's never supersedes a user's or an operator's.
        """
        self._warn()
        await self.check()
        # Taken first: an erasure removes what was begun before it.
        now = clock.now()
        # Outside the lock: the embedding server may be slow.
        embedder = await self._precomputed(change)
        async with self._lock(change.tenant):
            turns = [turn for turn in change.turns if turn.text.strip()]
            records = await turn_records(self._store, embedder, change.tenant, turns)
            records += await fact_records(self._store, embedder, change.tenant, change.facts, now)
            made = await self._changed(change.tenant, records, now)
            if made:
                await self._store.put(change.tenant, made)
            # Includes the records' topics: a fact without a topic may have been merged into one that has.
            about = topics(change.facts) | topics(each for each in made if each.kind == "fact")
            await settle(self._store, change.tenant, about, now)
            gone = await lifecycle.remove(self._store, change.tenant, change.forget) if change.forget else []
        return len(made) + len(gone)

    async def drafts(self, tenant: str, scope: str, turns: Sequence[MemoryTurn]) -> Sequence[TurnDraft]:
        """Prepare turns for a change; see ``turn_drafts``."""
        await self.check()
        return await turn_drafts(self._store, tenant, scope, turns, clock.now())

    @spans.of_memory("delete_memory")
    async def forget(self, tenant: str, ids: Sequence[str]) -> Views:
        """Delete memories with the facts they superseded, and return what was deleted."""
        await self.check()
        async with self._lock(tenant):
            return [view(record) for record in await lifecycle.remove(self._store, tenant, ids)]

    async def erase(
        self, tenant: str, *, scope: str = "", session: str = "", before: float = math.inf
    ) -> int:
        """Delete a scope, a session (its turns, its own scope, facts drawn from nothing else), or the whole tenant.

        With ``before``, delete only what was stored before that time, as far as that is known: ``lifecycle.stored_at``.
        """
        await self.check()
        async with self._lock(tenant):
            if not (scope or session) and before == math.inf:
                return await self._store.erase(tenant)
            if not session:
                return await lifecycle.erase(self._store, tenant, scope=scope, before=before)
            return await lifecycle.erase_session(self._store, tenant, session, before)

    async def expire(self, now: float, held: lifecycle.Held = lifecycle.none_held) -> int:
        """Delete expired and decayed memories that are not held; see ``lifecycle.faded``."""
        await self.check()
        await self._uses.write()
        count = 0
        for tenant in await self._store.tenants():
            async for ids in lifecycle.outdated(self._store, tenant, now, held):
                async with self._lock(tenant):
                    count += len(await lifecycle.remove(self._store, tenant, ids))
        return count

    async def consolidate(self, now: float, held: lifecycle.Held = lifecycle.none_held) -> int:
        """Replace the turns of long-quiet sessions with episodes, unless they are held; see ``episodes``."""
        await self.check()
        await self._uses.write()
        count = 0
        for tenant in await self._store.tenants():
            count += await episodes.consolidate(self._store, self._embedder, tenant, now, held)
        return count

    async def optimise(self) -> int:
        """Release unused storage; returns bytes."""
        await self._reindexing.finish()
        return await self._store.optimise()

    async def stats(self) -> MemoryStats:
        """Count what the store holds. ``waiting`` is left to the outbox."""
        collection = await self._store.collection() or Collection()
        counts = await self._store.counts()
        return MemoryStats(store=self._store.name, **asdict(collection), **asdict(counts))

    async def migrate(self) -> MigrateResult:
        """Embed every memory again with this embedder."""
        collection = await self._collection()
        count = await self._store.migrate(collection, self._embed)
        await self.check()
        return MigrateResult(memories=count, model=collection.model, dimension=collection.dimension)

    async def close(self) -> None:
        """Close the store and the embedder."""
        await self._reindexing.close()
        await self._uses.close()
        await self._store.close()
        if self._embedder is not None:
            await self._embedder.close()

    def _warn(self) -> None:
        """Log the warning once, at first use: most workers serve no agent with memory."""
        if self._warning:
            _log.warning("%s", self._warning)
            self._warning = ""

    async def _collection(self) -> Collection:
        if self._embedder is None:
            return Collection()
        return Collection(self._embedder.model, await self._embedder.dimension())

    async def _embed(self, texts: Sequence[str]) -> Sequence[Vector]:
        if self._embedder is None:
            return []
        return await self._embedder.embed([embeddable(text) for text in texts])

    async def _precomputed(self, change: Change) -> Precomputed | None:
        if self._embedder is None:
            return None
        texts = [draft.text for draft in change.turns] + [draft.text for draft in change.facts]
        return await Precomputed.of(self._embedder, [embeddable(text) for text in texts])

    async def _changed(self, tenant: str, records: Sequence[Record], now: float) -> Sequence[Record]:
        """Return the records that differ from the store.

        A new record counts as used now, so that an old turn imported today does not decay tomorrow.
        """
        there = {record.id: record for record in await self._store.get(tenant, [each.id for each in records])}
        found: dict[str, Record] = {}
        for record in records:
            before = there.get(record.id)
            if before is None:
                found[record.id] = replace(record, used=now)
            elif before != record or (before.vector is None) != (record.vector is None):
                found[record.id] = record
        return tuple(found.values())

    @asynccontextmanager
    async def _lock(self, tenant: str) -> AsyncGenerator[None]:
        lock = self._locks.setdefault(tenant, asyncio.Lock())
        async with lock:
            yield


def required(memories: Memories | None) -> Memories:
    """Return the memories of this worker.

    Raises:
        MemoryUnavailable: The worker has no memory store.
    """
    if memories is None:
        raise MemoryUnavailable("this worker has no memory store")
    return memories
