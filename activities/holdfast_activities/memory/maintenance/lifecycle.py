"""Expiry, decay, deletion and erasure of memories.

Deleting a memory also deletes the facts it superseded, so that they do not become valid again. When a session or
scope is erased they do, because the evidence against them is erased.
"""

import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

from holdfast_workflows.contracts.agent.memory import MemoryKind, scope_of

from ..base import Filter, MemoryStore, Record
from ..finding import neighbours_without

DAY = 86_400.0
HALF_LIFE = 180 * DAY  # half-life of an unused memory's weight
YOUNG = 90 * DAY  # minimum age for decay
FADED = 0.05  # weight below which a memory is deleted
UNIMPORTANT = 0.3  # facts of users and operators decay only below this importance
PAGE = 500  # records per page

Held = Callable[[str, Record], bool]
"""Whether a tenant's memory is under a legal hold."""


def weight(record: Record, now: float) -> float:
    """Return importance, halved for each half-life without a recall, increased by frequent recalls."""
    unused = max(0.0, now - max(record.at, record.used))
    return float(record.importance * 0.5 ** (unused / HALF_LIFE) * (1.0 + math.log1p(record.uses)))


def faded(record: Record, now: float) -> bool:
    """Whether a memory has decayed: it is not young, and its weight is below ``FADED``.

    Facts of users and operators do not decay, unless they are unimportant or superseded.
    """
    if now - max(record.at, record.used) < YOUNG or weight(record, now) >= FADED:
        return False
    stated = record.kind == "fact" and record.trust in ("user", "operator") and not record.superseded_by
    return not stated or record.importance < UNIMPORTANT


async def pages(store: MemoryStore, tenant: str, wanted: Filter) -> AsyncIterator[list[Record]]:
    """Yield all matching records page by page. Concurrent changes are safe."""
    after = ""
    while page := await store.list(tenant, wanted, after=after, limit=PAGE):
        yield page
        after = page[-1].id


async def remove(store: MemoryStore, tenant: str, ids: Sequence[str]) -> list[Record]:
    """Delete memories with their trails, and their words from neighbouring turns; return the deleted."""
    gone = await store.get(tenant, ids)
    gone += await _trail(store, tenant, gone)
    if not gone:
        return []
    # Before the deletion, which removes what identifies the neighbours; an interruption repeats both.
    repaired = await neighbours_without(store, tenant, gone)
    if repaired:
        await store.put(tenant, repaired)
    await store.delete(tenant, [record.id for record in gone])
    return gone


def none_held(_tenant: str, _record: Record) -> bool:
    """Whether a memory is under a legal hold, in a program that knows no holds."""
    return False


async def outdated(
    store: MemoryStore, tenant: str, now: float, held: Held = none_held
) -> AsyncIterator[list[str]]:
    """Yield the ids of expired and decayed memories in batches, without those that are held."""
    async for page in pages(store, tenant, Filter(superseded=True, now=now, expired=True)):
        yield [record.id for record in page if not held(tenant, record)]
    async for page in pages(store, tenant, Filter(superseded=True, before=now - YOUNG)):
        yield [record.id for record in page if faded(record, now) and not held(tenant, record)]


def stored_at(record: Record) -> float:
    """Return when a memory was stored; if it was recalled since, the time of its content."""
    return record.at if record.uses else record.used


async def erase(
    store: MemoryStore, tenant: str, *, scope: str = "", session: str = "", before: float = math.inf
) -> int:
    """Delete a scope, a session's turns, or everything, with facts derived from that alone; return how many.

    Memories ``stored_at`` at or after ``before`` stay. After an interruption it can be repeated: the sources that
    identify derived facts are deleted last.
    """
    wanted = Filter(scopes=(scope,) if scope else (), session=session, superseded=True)
    whole = bool(scope) or not session
    derived = _Derived(session, before)
    async for page in pages(store, tenant, wanted):
        derived.add(page, whole)
    if before < math.inf and not derived.found:
        return 0
    async for page in pages(store, tenant, Filter(kinds=("fact",), superseded=True)):
        derived.judge(page)
    await _settle(store, tenant, derived)
    count = await store.delete(tenant, list(derived.gone)) if derived.gone else 0
    if before < math.inf:
        return count + (await store.delete(tenant, derived.turns) if derived.turns else 0)
    # Turns and episodes, including new ones.
    kinds: tuple[MemoryKind, ...] = () if whole else ("turn", "episode")
    return count + await store.erase(tenant, replace(wanted, kinds=kinds))


async def erase_session(store: MemoryStore, tenant: str, session: str, before: float = math.inf) -> int:
    """Delete a session's turns, its own scope, and facts drawn from nothing else, as ``erase`` does."""
    count = await erase(store, tenant, session=session, before=before)
    return count + await erase(store, tenant, scope=scope_of("session", session=session), before=before)


@dataclass
class _Derived:
    """What an erasure deletes and changes."""

    session: str
    before: float
    found: bool = False
    # Turns and episodes to delete, and what facts may name as their sources.
    turns: list[str] = field(default_factory=list[str])
    sources: set[str] = field(default_factory=set[str])
    # Facts to delete, and all superseded facts, each with the fact that superseded it.
    gone: dict[str, str] = field(default_factory=dict[str, str])
    trail: dict[str, str] = field(default_factory=dict[str, str])
    # Facts that stay, with their remaining sources.
    less: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def add(self, page: Sequence[Record], whole: bool) -> None:
        """Add erased memories; ``whole`` deletes facts whatever their sources."""
        for record in page:
            if stored_at(record) >= self.before:
                continue
            self.found = True
            if record.kind != "fact":
                self.turns.append(record.id)
                self.sources.update((record.id, *record.sources))
            elif whole:
                self.gone[record.id] = record.superseded_by

    def judge(self, page: Sequence[Record]) -> None:
        """Decide which facts go, stay, or lose sources."""
        for fact in page:
            if fact.superseded_by:
                self.trail[fact.id] = fact.superseded_by
            if stored_at(fact) >= self.before:
                continue
            of_session = bool(self.session) and fact.session == self.session
            left = tuple(source for source in fact.sources if not self._is_gone(source, fact, of_session))
            if fact.id in self.gone or (left == fact.sources and (left or not of_session)):
                continue
            if left:
                self.less[fact.id] = left
            else:
                self.gone[fact.id] = fact.superseded_by

    def _is_gone(self, source: str, fact: Record, of_session: bool) -> bool:
        if source in self.sources or (source == fact.id and of_session):
            return True
        # Consolidated or expired turns, and merged facts of an agent's call, are known by id only: session and number.
        parts = (source.rpartition(mark) for mark in ":-")
        return bool(self.session) and any(
            head == self.session and number.isdecimal() for head, _, number in parts
        )


async def _settle(store: MemoryStore, tenant: str, derived: _Derived) -> None:
    """Update the facts that stay."""
    links = {id: _link(by, derived.gone) for id, by in derived.trail.items() if by in derived.gone}
    ids = [id for id in {**derived.less, **links} if id not in derived.gone]
    for start in range(0, len(ids), PAGE):
        changed: list[Record] = []
        for record in await store.get(tenant, ids[start : start + PAGE]):
            session = "" if derived.session and record.session == derived.session else record.session
            sources = derived.less.get(record.id, record.sources)
            by = links.get(record.id, record.superseded_by)
            changed.append(replace(record, session=session, sources=sources, superseded_by=by))
        await store.put(tenant, changed)


def _link(by: str, gone: dict[str, str]) -> str:
    """Follow the trail past deleted facts; empty if the fact is valid again."""
    seen: set[str] = set()
    while by in gone and by not in seen:
        seen.add(by)
        by = gone[by]
    return "" if by in gone else by


async def _trail(store: MemoryStore, tenant: str, gone: Sequence[Record]) -> list[Record]:
    """Return the facts that these superseded, directly or indirectly."""
    known = {record.id for record in gone}
    found: list[Record] = []
    scopes = tuple({record.scope for record in gone if record.kind == "fact"})
    if not scopes:
        return found
    superseded: list[Record] = []
    async for page in pages(store, tenant, Filter(scopes=scopes, kinds=("fact",), superseded=True)):
        superseded += [record for record in page if record.superseded_by]
    while more := [each for each in superseded if each.superseded_by in known and each.id not in known]:
        known.update(each.id for each in more)
        found += more
    return found
