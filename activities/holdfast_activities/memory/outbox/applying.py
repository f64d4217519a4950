"""Apply changes to the memory store: each is recorded in the outbox first and applied from there.

So the store may be down. A change whose worker died before marking it as applied is applied again, which changes
nothing; memories forgotten in between are recorded in the outbox and stay forgotten.
"""

import logging
from collections.abc import Sequence
from uuid import uuid4

from holdfast_activities import clock
from holdfast_activities.resilience.classify import classify
from holdfast_activities.state.coordination.outbox import OutboxItem, OutboxQueue
from holdfast_workflows.contracts.errors import (
    EmbeddingFailed,
    EmbeddingMismatch,
    MemoryUnavailable,
    StateUnavailable,
)

from ..memories import Memories, required
from .changes import Again, Change

_OWN = 60.0  # seconds for which a claim on items is exclusive

_BATCH = 10

LATE = 120.0
"""Seconds after which a write begun earlier has ended: embedding, the store's deadline, and the time an abandoned
write may still take in the store.
"""

_LATER = 300.0
"""Seconds until a change is retried that failed for a reason other than an unavailable store."""

_UNAVAILABLE = (MemoryUnavailable, EmbeddingFailed, EmbeddingMismatch, StateUnavailable)
"""Errors that the next change would also meet."""

_log = logging.getLogger(__name__)


class Applying:
    """Applies changes, now or later."""

    def __init__(self, outbox: OutboxQueue, memories: Memories | None) -> None:
        """Without ``memories``, other workers apply the changes."""
        self._outbox = outbox
        self._memories = memories

    async def recorded(self, id: str) -> OutboxItem | None:
        """Return the change of that id, if it is recorded."""
        return await self._outbox.get(id)

    async def record(self, change: Change, session: str, answer: str = "") -> OutboxItem | None:
        """Record a change, apply it if the store answers, and return the current item.

        The first change recorded under an id counts. ``answer`` is its result as JSON, for repeated requests.
        Erasing the session removes the pending change; None if it was erased already.
        """
        own = OutboxItem(
            id=change.id,
            tenant=change.tenant,
            session=session,
            at=change.at,
            body=change.model_dump_json(exclude_defaults=True),
            answer=answer,
        )
        item = await self._outbox.add(own, until=clock.now() + _OWN)
        if item is None or item.applied or not await self._try(item):
            return item
        return await self._outbox.get(item.id)

    async def forget(self, tenant: str, ids: Sequence[str]) -> int:
        """Delete memories, also from changes that may be applied again; return how many existed.

        Raises:
            MemoryUnavailable: The store is down, or this worker has none.
        """
        gone = await required(self._memories).forget(tenant, ids)
        if gone:
            # A merged fact is identified by the sources.
            known = [id for view in gone for id in (view.id, *view.sources)]
            await self._outbox.forget(tenant, known, clock.now())
        return len(gone)

    async def erase_again(self, tenant: str, *, session: str = "", scope: str = "") -> None:
        """Schedule a second erasure for after all current writes have ended.

        A write abandoned at its deadline may still complete in the store and restore what was erased. Without session
        and scope, the whole tenant is erased.
        """
        now = clock.now()
        id = f"erased:{uuid4().hex}"  # a repeated erasure is scheduled again
        change = Change(id=id, tenant=tenant, at=now, again=Again(before=now, session=session, scope=scope))
        # Without a session, whose erasure would remove it.
        body = change.model_dump_json(exclude_defaults=True)
        await self._outbox.add(
            OutboxItem(id=id, tenant=tenant, session="", at=now, body=body), until=now + LATE
        )

    async def drain(self) -> int:
        """Apply pending changes, oldest first; return how many.

        Raises:
            MemoryUnavailable: The store is down, or this worker has none. The rest stays pending.
        """
        required(self._memories)
        count = 0
        while items := await self._outbox.claim(clock.now(), _OWN, _BATCH):
            for place, item in enumerate(items):
                if place and await self._outbox.get(item.id) is None:
                    continue  # erased in between
                try:
                    count += await self._try(item, strict=True)
                except MemoryUnavailable:
                    for left in items[place + 1 :]:
                        await self._outbox.failed(left.id, left.error)
                    raise
        return count

    async def _try(self, item: OutboxItem, *, strict: bool = False) -> bool:
        """Apply an item; return whether it succeeded. Failures are recorded; ``strict`` raises those of the store."""
        try:
            await self._apply(item)
        except Exception as error:
            # Any error: a change that cannot be applied must not block those behind it.
            problem = classify(error)
            # An embedder that rejected this text may accept the next.
            rejected = isinstance(problem, EmbeddingFailed) and not problem.retryable
            unavailable = isinstance(problem, _UNAVAILABLE) and not rejected
            await self._outbox.failed(
                item.id, str(problem), until=0.0 if unavailable else clock.now() + _LATER
            )
            if not unavailable:
                _log.error("memory change %s was not applied and will be retried: %s", item.id, problem)
            elif strict:
                raise MemoryUnavailable(problem.detail or problem.code) from error
            return False
        return True

    async def _without_forgotten(self, change: Change) -> Change:
        """Return the change without memories that were forgotten in the meantime."""
        ids = [turn.id for turn in change.turns]
        ids += [id for fact in change.facts for id in (fact.id, *fact.sources)]
        gone = await self._outbox.forgotten(change.tenant, ids) if ids else frozenset[str]()
        if not gone:
            return change
        facts = (fact for fact in change.facts if fact.id not in gone)
        left = {
            "turns": tuple(turn for turn in change.turns if turn.id not in gone),
            "facts": tuple(fact for fact in facts if not (fact.sources and gone.issuperset(fact.sources))),
        }
        return change.model_copy(update=left)

    async def _apply(self, item: OutboxItem) -> None:
        memories = required(self._memories)
        change = await self._without_forgotten(Change.model_validate_json(item.body))
        if again := change.again:
            await memories.erase(change.tenant, scope=again.scope, session=again.session, before=again.before)
        if change.forget:
            found = await memories.get(change.tenant, change.forget)
            within = [view.id for view in found if not change.within or view.scope in change.within]
            await self.forget(change.tenant, within)
        await memories.apply(change.model_copy(update={"forget": ()}))
        if not await self._outbox.applied(item.id, clock.now()) and item.session:
            # The session was erased during the call, so erase what was just written.
            await memories.erase(item.tenant, session=item.session)
