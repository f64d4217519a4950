"""Consolidation: replace the turns of old sessions with episodes.

An episode consists of the most representative sentences of a part of the session, verbatim. Turns are deleted only
after their episode is durable, so the next run completes an interrupted one.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from holdfast_activities import clock

from ..base import Embedder, Filter, MemoryStore, Record
from ..finding import embeddable, fact_words
from ..finding.similarity import cosine, rarity, unit
from ..finding.terms import terms
from .dedupe import normal
from .facts import TRUST_RANK
from .lifecycle import DAY, Held, none_held, pages

QUIET = 30 * DAY  # a session is old after this time without a turn or recall
MIN_TURNS = 40  # sessions with at most this many turns stay as they are
CONFIRMED_AFTER = 3_600.0  # seconds after which the run that wrote an episode has confirmed it or died
TURNS = 20  # turns of one episode
_SENTENCES = 10  # of one episode
_CHARS = 1_500  # of one episode
_MIN_TERMS = 2  # of a sentence
_SENTENCE = re.compile(r"[^.!?\n。！？]+[.!?。！？]*")


async def consolidate(
    store: MemoryStore, embedder: Embedder | None, tenant: str, now: float, held: Held = none_held
) -> int:
    """Consolidate the old sessions of a tenant that are not held; return how many turns were replaced.

    Raises:
        EmbeddingFailed: The embedder failed; completed episodes stay.
    """
    last: defaultdict[str, float] = defaultdict(float)
    async for page in pages(store, tenant, Filter(kinds=("turn",))):
        for turn in page:
            at = now if held(tenant, turn) else max(turn.at, turn.used)
            last[turn.session] = max(last[turn.session], at)
    count = 0
    for session in sorted(session for session, at in last.items() if session and at < now - QUIET):
        count += await _session(store, embedder, tenant, session, now)
    return count


async def _session(
    store: MemoryStore, embedder: Embedder | None, tenant: str, session: str, now: float
) -> int:
    turns: list[Record] = []
    async for page in pages(store, tenant, Filter(session=session, kinds=("turn",))):
        turns += page
    done: set[str] = set()
    fresh: set[str] = set()
    async for page in pages(store, tenant, Filter(session=session, kinds=("episode",))):
        for episode in page:
            (done if episode.used < now - CONFIRMED_AFTER else fresh).update(episode.sources)
    # Left by a run that was interrupted before it deleted the turns.
    count = await _delete(store, tenant, [turn for turn in turns if turn.id in done])
    turns = [turn for turn in turns if turn.id not in done | fresh]
    if len(turns) <= MIN_TURNS:
        return count
    by_scope: defaultdict[str, list[Record]] = defaultdict(list)
    for turn in sorted(turns, key=lambda turn: (turn.place, turn.id)):
        by_scope[turn.scope].append(turn)
    for ordered in by_scope.values():
        for start in range(0, len(ordered), TURNS):
            part = ordered[start : start + TURNS]
            episode = replace(await _episode(embedder, part), used=max(now, clock.now()))
            await store.put(tenant, [episode])
            if await _may_replace(store, tenant, episode):
                count += await _delete(store, tenant, part)
            else:
                await store.delete(tenant, [episode.id])
    return count


async def _may_replace(store: MemoryStore, tenant: str, episode: Record) -> bool:
    """Whether a new episode may replace its turns; otherwise the next run retries.

    It must not restore turns that were deleted since they were read. If a concurrent run made an episode of the same
    turns, both are dropped, so turns are deleted only for an episode that stays.
    """
    if len(await store.get(tenant, episode.sources)) < len(episode.sources):
        return False
    async for page in pages(store, tenant, Filter(session=episode.session, kinds=("episode",))):
        if any(each.id != episode.id and set(each.sources) & set(episode.sources) for each in page):
            return False
    return True


async def _delete(store: MemoryStore, tenant: str, turns: Sequence[Record]) -> int:
    return await store.delete(tenant, [turn.id for turn in turns]) if turns else 0


async def _episode(embedder: Embedder | None, turns: Sequence[Record]) -> Record:
    text = representative(turns)
    vector = None if embedder is None else (await embedder.embed([embeddable(text)]))[0]
    return Record(
        # Unique, so that a run that drops its episode does not delete that of another.
        id=f"episode:{uuid4().hex}",
        scope=turns[0].scope,
        kind="episode",
        text=text,
        at=max(turn.at for turn in turns),
        session=turns[0].session,
        place=turns[0].place,
        importance=max(turn.importance for turn in turns),
        trust=min((turn.trust for turn in turns), key=TRUST_RANK.__getitem__),
        sources=tuple(turn.id for turn in turns),
        # With the first of its turns, whose text must not outlive its expiry.
        expires=min((turn.expires for turn in turns if turn.expires), default=0.0),
        uses=max(turn.uses for turn in turns),
        words=fact_words(text),
        vector=vector,
    )


def representative(turns: Sequence[Record]) -> str:
    """Return the most representative sentences in their order, with their speakers."""
    sentences = [(turn.speaker, sentence[:_CHARS]) for turn in turns for sentence in _sentences(turn.text)]
    bags = [Counter(terms(sentence)) for _, sentence in sentences]
    weights = rarity(bags)
    centre = unit(Counter(term for bag in bags for term in bag.elements()), weights)
    # A sentence with hardly any term says nothing.
    similarity = [cosine(unit(bag, weights), centre) if len(bag) >= _MIN_TERMS else 0.0 for bag in bags]
    chosen: dict[str, int] = {}
    left = _CHARS
    for place in sorted(range(len(sentences)), key=lambda place: (-similarity[place], place)):
        left -= len(sentences[place][1])
        if chosen and (left < 0 or len(chosen) == _SENTENCES or similarity[place] == 0):
            break
        chosen.setdefault(normal(sentences[place][1]), place)
    lines = (sentences[place] for place in sorted(chosen.values()))
    return "\n".join(f"{speaker}: {sentence}" if speaker else sentence for speaker, sentence in lines)


def _sentences(text: str) -> list[str]:
    found = [sentence.strip() for sentence in _SENTENCE.findall(text)]
    return [sentence for sentence in found if sentence] or [text.strip()]
