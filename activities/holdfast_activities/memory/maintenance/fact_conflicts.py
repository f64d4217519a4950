"""Keep one valid fact per topic, also when several workers write to a topic at the same time.

There is no lock between workers. Each reads the topic again after its write, so the last writer sees all facts, and
all decide alike by ``standing``. If a worker dies in between, its change stays in the outbox and is applied again.
"""

from collections.abc import Iterable
from dataclasses import replace

from ..base import Filter, MemoryStore, Record
from ..outbox.changes import FactDraft
from .facts import same_topic, standing
from .lifecycle import pages

_ROUNDS = 3  # maximum number of rounds; the other writers to the topic resolve what is left

Topic = tuple[str, str]
"""A scope, and a topic in it."""


def topics(facts: Iterable[Record | FactDraft]) -> set[Topic]:
    """Return the topics of facts."""
    return {(fact.scope, same_topic(fact.topic)) for fact in facts if fact.topic.strip()}


async def settle(store: MemoryStore, tenant: str, wanted: Iterable[Topic], now: float) -> None:
    """Leave one valid fact for each topic."""
    left = sorted(wanted)
    for _ in range(_ROUNDS):
        changed: list[Record] = []
        for topic in left:
            changed += await _unresolved(store, tenant, topic, now)
        if not changed:
            break
        await store.put(tenant, changed)
        left = sorted(topics(changed))


async def _unresolved(store: MemoryStore, tenant: str, topic: Topic, now: float) -> list[Record]:
    """Return the records to put for a topic."""
    valid = Filter(scopes=topic[:1], kinds=("fact",), topic=topic[1], now=now)
    found = await store.list(tenant, valid)
    if len(found) == 1:
        return []
    if found:
        holder = max(found, key=standing)
        rest = [fact.id for fact in found if fact.id != holder.id]
        # ``get`` includes the vectors; ``list`` does not.
        return [replace(fact, superseded_by=holder.id) for fact in await store.get(tenant, rest)]
    trail = [fact async for page in pages(store, tenant, replace(valid, superseded=True)) for fact in page]
    best = max(trail, key=standing, default=None)
    # Two facts that superseded each other, each written before it saw the other. Otherwise a fact of another
    # topic is valid instead.
    if best is None or best.superseded_by not in {fact.id for fact in trail}:
        return []
    return [replace(fact, superseded_by="") for fact in await store.get(tenant, [best.id])]
