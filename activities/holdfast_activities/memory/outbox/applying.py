"""Bringing changes to the memory store: each is decided in the outbox first, and applied from there.

So it does not matter whether the store answers now. A change that was applied and not marked, since
its worker died between the two, is applied again, which changes nothing: what was forgotten in
between is noted beside the changes, and stays forgotten.
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
    HoldfastError,
    MemoryUnavailable,
    StateUnavailable,
)

from ..memories import Memories, required
from .changes import Again, Change

_OWN = 60.0
"""Seconds that whoever takes items has them for himself."""

_BATCH = 10

LATE = 120.0
"""Seconds after which no write is under way any longer that was begun before: embedding, the store's deadline, and
what a write that was given up at its deadline may still take in the store.
"""

_LATER = 300.0
"""Seconds until a change is tried again that did not fail for a store that is away."""

_AWAY = (MemoryUnavailable, EmbeddingFailed, EmbeddingMismatch, StateUnavailable)
"""What the next change would meet as well."""

_log = logging.getLogger(__name__)


class Applying:
    """Applies changes, now or later."""

    def __init__(self, outbox: OutboxQueue, memories: Memories | None) -> None:
        """Changes to one store.

        Args:
            outbox: Where they are decided.
            memories: The memories; None where this worker has none, and others apply what waits.
        """
        self._outbox = outbox
        self._memories = memories

    async def decided(self, id: str) -> OutboxItem | None:
        """The change of that id, if it was decided before."""
        return await self._outbox.get(id)

    async def keep(self, change: Change, session: str, answer: str = "") -> OutboxItem | None:
        """Decide a change and apply it, if the store answers.

        Args:
            change: What to do; the first one of its id stays.
            session: Whose erasure takes it along while it waits.
            answer: What to say, as JSON, whenever it is asked for again.

        Returns:
            The item as it stands; None if the session was erased.
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
        if item is None or item.applied:
            return item
        if not await self._tried(item):
            return item
        return await self._outbox.get(item.id)

    async def forget(self, tenant: str, ids: Sequence[str]) -> int:
        """Remove memories for good, also from changes that may be applied again; how many there were.

        Raises:
            MemoryUnavailable: The store is away, or there is none here.
        """
        gone = await required(self._memories).forget(tenant, ids)
        if gone:
            # What was merged with a fact is known by the fact's sources.
            known = [id for view in gone for id in (view.id, *view.sources)]
            await self._outbox.forget(tenant, known, clock.now())
        return len(gone)

    async def erase_again(self, tenant: str, *, session: str = "", scope: str = "") -> None:
        """Have what was just erased erased once more when every write that was begun before now has ended.

        A write that was given up at its deadline may go on in the store, and bring back what was erased.

        Args:
            tenant: Whose.
            session: The session.
            scope: Or the scope; the whole tenant where neither is named.
        """
        now = clock.now()
        again = Again(before=now, session=session, scope=scope)
        id = f"erased:{uuid4().hex}"  # an erasure that is asked for again is gone over again
        body = Change(id=id, tenant=tenant, at=now, again=again).model_dump_json(exclude_defaults=True)
        # It is no session's, whose erasure would take it along.
        item = OutboxItem(id=id, tenant=tenant, session="", at=now, body=body)
        await self._outbox.add(item, until=now + LATE)

    async def drain(self) -> int:
        """Apply what waits, oldest first; how many changes that were.

        Raises:
            MemoryUnavailable: The store is away, or there is none here; what is left waits on.
        """
        required(self._memories)
        count = 0
        while items := await self._outbox.claim(clock.now(), _OWN, _BATCH):
            for place, item in enumerate(items):
                if place and await self._outbox.get(item.id) is None:
                    continue  # erased while those before it were applied
                try:
                    count += await self._tried(item, strict=True)
                except MemoryUnavailable:
                    for left in items[place + 1 :]:
                        await self._outbox.failed(left.id, left.error)
                    raise
        return count

    async def _tried(self, item: OutboxItem, *, strict: bool = False) -> bool:
        """Apply an item; whether that was done. What stands in the way is noted, and with ``strict`` raised if it
        will meet the next item, too.
        """
        try:
            await self._apply(item)
        except Exception as error:
            # Whatever it is: a change that cannot be applied must not keep those behind it waiting.
            problem = classify(error)
            away = isinstance(problem, _AWAY) and not _refused(problem)
            await self._outbox.failed(item.id, str(problem), until=0.0 if away else clock.now() + _LATER)
            if not away:
                _log.error("memory change %s is not applied, and tried again later: %s", item.id, problem)
            elif strict:
                raise MemoryUnavailable(problem.detail or problem.code) from error
            return False
        return True

    async def _without_forgotten(self, change: Change) -> Change:
        """A change without what was forgotten since it was applied before."""
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
        if change.again is not None:
            again = change.again
            await memories.erase(change.tenant, scope=again.scope, session=again.session, before=again.before)
        if change.forget:
            found = await memories.get(change.tenant, change.forget)
            within = [view.id for view in found if not change.within or view.scope in change.within]
            await self.forget(change.tenant, within)
        await memories.apply(change.model_copy(update={"forget": ()}))
        if not await self._outbox.applied(item.id, clock.now()) and item.session:
            # Its session was erased while it was on its way: what has just been made must go, too.
            await memories.erase(item.tenant, session=item.session)


def _refused(problem: HoldfastError) -> bool:
    """Whether it is this text that the embedder does not take, and the next one it may."""
    return isinstance(problem, EmbeddingFailed) and not problem.retryable
