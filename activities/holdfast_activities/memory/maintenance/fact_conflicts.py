"""One fact holds of each topic, also where several workers wrote to it in the same moment.

There is no lock between workers. Each looks again after it has written, so whoever wrote last sees
what all of them wrote; and all of them decide alike, by ``standing``. A worker that died before it
looked again leaves its change in the outbox, and whoever applies that looks.
"""

from collections.abc import Iterable
from dataclasses import replace

from ..base import Filter, MemoryStore, Record
from ..outbox.changes import FactDraft
from .facts import same_topic, standing
from .lifecycle import pages

_ROUNDS = 3
"""Looks at most; what is left unsettled by then is settled by the others that write to the topic."""

Topic = tuple[str, str]
"""A scope, and a topic in it."""


def topics(facts: Iterable[Record | FactDraft]) -> set[Topic]:
    """What these facts are about."""
    return {(fact.scope, same_topic(fact.topic)) for fact in facts if fact.topic.strip()}


async def settle(store: MemoryStore, tenant: str, wanted: Iterable[Topic], now: float) -> None:
    """See to it that one fact holds of each topic that has any."""
    left = sorted(wanted)
    for _ in range(_ROUNDS):
        changed: list[Record] = []
        for topic in left:
            changed += await _unsettled(store, tenant, topic, now)
        if not changed:
            break
        await store.put(tenant, changed)
        left = sorted(topics(changed))


async def _unsettled(store: MemoryStore, tenant: str, topic: Topic, now: float) -> list[Record]:
    """The records to put for a topic."""
    about = Filter(scopes=topic[:1], kinds=("fact",), topic=topic[1], now=now)
    found = await store.list(tenant, about)
    if len(found) == 1:
        return []
    if found:
        holder = max(found, key=standing)
        rest = [fact.id for fact in found if fact.id != holder.id]
        # With their vectors, which a list comes without.
        return [replace(fact, superseded_by=holder.id) for fact in await store.get(tenant, rest)]
    trail = [fact async for page in pages(store, tenant, replace(about, superseded=True)) for fact in page]
    best = max(trail, key=standing, default=None)
    # Two that each took the other's place, by what each had read before the other wrote. Else it is
    # a fact of another topic that holds instead.
    if best is None or best.superseded_by not in {fact.id for fact in trail}:
        return []
    return [replace(fact, superseded_by="") for fact in await store.get(tenant, [best.id])]
