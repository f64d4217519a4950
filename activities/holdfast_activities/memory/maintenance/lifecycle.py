"""What becomes of memories: they expire, decay, are forgotten, and are erased with what was drawn from them.

A memory that goes away takes its trail with it: the facts that it took the place of must not
hold again because it was forgotten. Only where a session or scope is erased do they, since it
was what was erased that told against them.
"""

import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from holdfast_workflows.contracts.memory import MemoryKind

from ..base import Filter, MemoryStore, Record
from ..finding import mended

DAY = 86_400.0
HALF_LIFE = 180 * DAY
"""How long an unused memory keeps half of its weight."""
YOUNG = 90 * DAY
"""No memory decays before that."""
FADED = 0.05
"""The weight below which a memory is removed."""
UNIMPORTANT = 0.3
"""Facts that people told only decay if they are less important than that."""

PAGE = 500
"""Records read at once."""


def weight(record: Record, now: float) -> float:
    """What a memory counts: its importance, halved for each half-life that it was not recalled, more if it often was."""
    unused = max(0.0, now - max(record.at, record.used))
    return float(record.importance * 0.5 ** (unused / HALF_LIFE) * (1.0 + math.log1p(record.uses)))


def faded(record: Record, now: float) -> bool:
    """Whether a memory has decayed and is to be removed.

    Its weight is below ``FADED`` and it is not young. Facts of users and operators stay whatever
    their age, unless they were unimportant from the start or another fact took their place.
    """
    if now - max(record.at, record.used) < YOUNG or weight(record, now) >= FADED:
        return False
    told = record.kind == "fact" and record.trust in ("user", "operator") and not record.superseded_by
    return not told or record.importance < UNIMPORTANT


async def pages(store: MemoryStore, tenant: str, wanted: Filter) -> AsyncIterator[list[Record]]:
    """All that a filter means, page by page; what is removed or changed meanwhile disturbs nothing."""
    after = ""
    while page := await store.list(tenant, wanted, after=after, limit=PAGE):
        yield page
        after = page[-1].id


async def remove(store: MemoryStore, tenant: str, ids: Sequence[str]) -> list[Record]:
    """Remove memories with their trails, and their words from what they stood beside; those that there were."""
    gone = await store.get(tenant, ids)
    gone += await _trail(store, tenant, gone)
    if not gone:
        return []
    # First, since it is found by what is still there: broken off between the two, it is done again.
    mending = await mended(store, tenant, gone)
    if mending:
        await store.put(tenant, mending)
    await store.delete(tenant, [record.id for record in gone])
    return gone


async def outdated(store: MemoryStore, tenant: str, now: float) -> AsyncIterator[list[str]]:
    """The ids of what is past its time or has decayed, some at a time."""
    async for page in pages(store, tenant, Filter(superseded=True, now=now, expired=True)):
        yield [record.id for record in page]
    async for page in pages(store, tenant, Filter(superseded=True, before=now - YOUNG)):
        yield [record.id for record in page if faded(record, now)]


def brought(record: Record) -> float:
    """When a memory was brought to the store; where it was recalled since, when it was said."""
    return record.at if record.uses else record.used


async def erase(
    store: MemoryStore, tenant: str, *, scope: str = "", session: str = "", before: float = math.inf
) -> int:
    """Remove a scope, what was said in a session, or all there is, and what was drawn from that alone; how many
    that were. Of what was ``brought`` at or after ``before`` nothing is removed.

    Done again after it broke off, it goes on: what facts are known by to be drawn from it is
    removed last.
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
        return count + (await store.delete(tenant, derived.said) if derived.said else 0)
    # Turns and episodes, and what came meanwhile.
    kinds: tuple[MemoryKind, ...] = () if whole else ("turn", "episode")
    return count + await store.erase(tenant, replace(wanted, kinds=kinds))


@dataclass
class _Derived:
    """What goes and what changes where a session or scope is erased."""

    session: str
    before: float
    found: bool = False
    said: list[str] = field(default_factory=list[str])
    """Turns and episodes that go."""
    sources: set[str] = field(default_factory=set[str])
    gone: dict[str, str] = field(default_factory=dict[str, str])
    """Facts that go, each with what took its place."""
    less: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The sources that are left of facts that stay."""
    trail: dict[str, str] = field(default_factory=dict[str, str])
    """Every fact that something took the place of, with what that was."""

    def add(self, page: Sequence[Record], whole: bool) -> None:
        """Take in what was said there; with ``whole`` its facts go whatever they were drawn from."""
        for record in page:
            if brought(record) >= self.before:
                continue
            self.found = True
            if record.kind != "fact":
                self.said.append(record.id)
                self.sources.update((record.id, *record.sources))
            elif whole:
                self.gone[record.id] = record.superseded_by

    def judge(self, page: Sequence[Record]) -> None:
        """Decide about facts."""
        for fact in page:
            if fact.superseded_by:
                self.trail[fact.id] = fact.superseded_by
            if brought(fact) >= self.before:
                continue
            told_here = bool(self.session) and fact.session == self.session
            left = tuple(source for source in fact.sources if not self._is_gone(source, fact, told_here))
            if fact.id in self.gone or (left == fact.sources and (left or not told_here)):
                continue
            if left:
                self.less[fact.id] = left
            else:
                self.gone[fact.id] = fact.superseded_by

    def _is_gone(self, source: str, fact: Record, told_here: bool) -> bool:
        if source in self.sources or (source == fact.id and told_here):
            return True
        # Turns that are consolidated or expired are known by their ids alone: the session and a number.
        # So is what its agent told by a call and was merged with another fact.
        parts = (source.rpartition(mark) for mark in ":-")
        return bool(self.session) and any(
            head == self.session and number.isdecimal() for head, _, number in parts
        )


async def _settle(store: MemoryStore, tenant: str, derived: _Derived) -> None:
    """Bring the facts that stay to their new state."""
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
    """What holds in the place of a fact, where what took its place is gone; empty if it holds again."""
    seen: set[str] = set()
    while by in gone and by not in seen:
        seen.add(by)
        by = gone[by]
    return "" if by in gone else by


async def _trail(store: MemoryStore, tenant: str, gone: Sequence[Record]) -> list[Record]:
    """The facts that these, and those before them, took the place of."""
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
