"""The memories of a worker or a program: what ``Keeping`` promises, over a store and an embedder."""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from weakref import WeakValueDictionary

from holdfast_activities import clock
from holdfast_workflows.contracts.memory import (
    FLOOR,
    MOST,
    MemoryKind,
    MemoryPage,
    MemoryQuery,
    MemoryStats,
    MemoryTurn,
    MigrateResult,
    scope_of,
)

from .base import Collection, Embedder, Filter, MemoryStore, Record, Vector
from .embedders.ahead import Ahead
from .finding import Finder, embeddable, turn_records
from .keeping import Views
from .maintenance import episodes, lifecycle
from .maintenance.fact_conflicts import settle, topics
from .maintenance.facts import fact_records
from .maintenance.reindexing import Reindexing
from .maintenance.uses import Uses
from .outbox.changes import Change, TurnDraft
from .turns import turn_drafts
from .views import view

_log = logging.getLogger(__name__)


class Memories:
    """See ``Keeping``. ``store`` and ``embedder`` are closed with it."""

    def __init__(self, store: MemoryStore, embedder: Embedder | None = None, *, warning: str = "") -> None:
        """Memories in a store.

        Args:
            store: Where they are.
            embedder: What their vectors are made by; None to find them by their words only.
            warning: What to log when something is first looked up or kept.
        """
        self._store = store
        self._embedder = embedder
        self._finder = Finder(store, embedder)
        self._uses = Uses(store)
        self._begun = False
        self._warning = warning
        # What is read, changed and written back must not change in between. Between processes the
        # outbox sees to it that a change is applied by one, and ``settle`` that two do not contradict.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._reindexing = Reindexing(store, self._lock)

    async def check(self) -> None:
        """See ``Keeping.check``."""
        if self._begun:
            return
        there = await self._store.collection()
        known = self._embedder is not None and there is not None and there.model == self._embedder.model
        # Without asking the embedder's server, which may be down: a search goes on by words then.
        await self._store.begin(there if there is not None and known else await self._collection())
        self._begun = True
        await self._reindexing.begin(new=there is None)

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
        """See ``Keeping.search``."""
        self._warn()
        await self.check()
        found = await self._finder.search(
            text, tenant=tenant, scopes=scopes, kinds=kinds, limit=limit, floor=floor, now=now
        )
        if found:
            self._uses.note(tenant, (one.record.id for one in found))
        return [view(one.record, one.score, one.why) for one in found]

    async def list(self, query: MemoryQuery) -> MemoryPage:
        """See ``Keeping.list``."""
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
        """See ``Keeping.get``."""
        await self.check()
        return [view(record) for record in await self._store.get(tenant, ids)]

    async def apply(self, change: Change) -> int:
        """See ``Keeping.apply``."""
        self._warn()
        await self.check()
        # Before anything that takes its time: what was begun before an erasure is told by this.
        now = clock.now()
        # Before the lock, since a server may take its time.
        embedder = await self._ahead(change)
        async with self._lock(change.tenant):
            said = [turn for turn in change.turns if turn.text.strip()]
            records = await turn_records(self._store, embedder, change.tenant, said)
            records += await fact_records(self._store, embedder, change.tenant, change.facts, now)
            made = await self._changed(change.tenant, records, now)
            if made:
                await self._store.put(change.tenant, made)
            # Those of the records, too: a fact without a topic may have joined one that has.
            about = topics(change.facts) | topics(each for each in made if each.kind == "fact")
            await settle(self._store, change.tenant, about, now)
            gone = await lifecycle.remove(self._store, change.tenant, change.forget) if change.forget else []
        return len(made) + len(gone)

    async def drafts(self, tenant: str, scope: str, turns: Sequence[MemoryTurn]) -> Sequence[TurnDraft]:
        """Turns made ready to be part of a change; see ``turn_drafts``."""
        await self.check()
        return await turn_drafts(self._store, tenant, scope, turns, clock.now())

    async def forget(self, tenant: str, ids: Sequence[str]) -> Views:
        """See ``Keeping.forget``. The facts that a forgotten one took the place of go with it."""
        await self.check()
        async with self._lock(tenant):
            return [view(record) for record in await lifecycle.remove(self._store, tenant, ids)]

    async def erase(
        self, tenant: str, *, scope: str = "", session: str = "", before: float = math.inf
    ) -> int:
        """See ``Keeping.erase``. With a session goes the scope that is its own."""
        await self.check()
        async with self._lock(tenant):
            if not (scope or session) and before == math.inf:
                return await self._store.erase(tenant)
            count = await lifecycle.erase(self._store, tenant, scope=scope, session=session, before=before)
            if session:
                own = scope_of("session", session=session)
                count += await lifecycle.erase(self._store, tenant, scope=own, before=before)
            return count

    async def expire(self, now: float) -> int:
        """See ``Keeping.expire``; the rules are those of ``lifecycle.faded``."""
        await self.check()
        await self._uses.write()
        count = 0
        for tenant in await self._store.tenants():
            async for ids in lifecycle.outdated(self._store, tenant, now):
                async with self._lock(tenant):
                    count += len(await lifecycle.remove(self._store, tenant, ids))
        return count

    async def consolidate(self, now: float) -> int:
        """See ``Keeping.consolidate``; the rules are those of ``episodes``."""
        await self.check()
        await self._uses.write()
        count = 0
        for tenant in await self._store.tenants():
            count += await episodes.consolidate(self._store, self._embedder, tenant, now)
        return count

    async def optimise(self) -> int:
        """See ``Keeping.optimise``."""
        await self._reindexing.finish()
        return await self._store.optimise()

    async def stats(self) -> MemoryStats:
        """See ``Keeping.stats``."""
        collection = await self._store.collection() or Collection()
        counts = await self._store.counts()
        return MemoryStats(
            store=self._store.name,
            model=collection.model,
            dimension=collection.dimension,
            tenants=counts.tenants,
            turns=counts.turns,
            episodes=counts.episodes,
            facts=counts.facts,
            superseded=counts.superseded,
            bytes=counts.bytes,
        )

    async def migrate(self) -> MigrateResult:
        """See ``Keeping.migrate``."""
        collection = await self._collection()
        count = await self._store.migrate(collection, self._embed)
        await self.check()
        return MigrateResult(memories=count, model=collection.model, dimension=collection.dimension)

    async def close(self) -> None:
        """See ``Keeping.close``."""
        await self._reindexing.close()
        await self._uses.close()
        await self._store.close()
        if self._embedder is not None:
            await self._embedder.close()

    def _warn(self) -> None:
        """Not at the start: most workers serve no agent that remembers."""
        if self._warning:
            _log.warning("%s", self._warning)
            self._warning = ""

    async def _collection(self) -> Collection:
        """What the vectors made here are."""
        if self._embedder is None:
            return Collection()
        return Collection(self._embedder.model, await self._embedder.dimension())

    async def _embed(self, texts: Sequence[str]) -> Sequence[Vector]:
        if self._embedder is None:
            return []
        return await self._embedder.embed([embeddable(text) for text in texts])

    async def _ahead(self, change: Change) -> Ahead | None:
        if self._embedder is None:
            return None
        texts = [draft.text for draft in change.turns] + [draft.text for draft in change.facts]
        return await Ahead.of(self._embedder, [embeddable(text) for text in texts])

    async def _changed(self, tenant: str, records: Sequence[Record], now: float) -> Sequence[Record]:
        """Those of the records that are not in the store like this.

        A new one counts as used when it is stored: what was said years ago and is brought today is
        not to be forgotten tomorrow.
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
