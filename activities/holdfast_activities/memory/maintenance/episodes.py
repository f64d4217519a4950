"""Consolidation: the turns of a session long past are drawn together into episodes, which take their place.

An episode is made of the sentences that say most of a stretch of the session, word for word.
Turns are removed only when the episode they are in is durable, so a run that broke off is
finished by the next.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from holdfast_activities import clock

from ..base import Embedder, Filter, MemoryStore, Record
from ..finding import embeddable, fact_words
from ..finding.terms import terms
from .dedupe import normal
from .facts import trust_of
from .lifecycle import DAY, pages

QUIET = 30 * DAY
"""A session counts as past if nothing was said in it, or recalled of it, for so long."""
MANY = 40
"""Sessions of up to so many turns stay word for word."""
DECIDED = 3_600.0
"""Seconds after which the run that wrote an episode has decided whether it stays, or has died."""
STRETCH = 20
"""Turns of one episode."""
SAYS_MOST = 10
"""Sentences of one episode."""
_CHARS = 1_500  # of an episode
_LEAST = 2  # terms of a sentence that says anything
_SENTENCE = re.compile(r"[^.!?\n。！？]+[.!?。！？]*")


async def consolidate(store: MemoryStore, embedder: Embedder | None, tenant: str, now: float) -> int:
    """Draw the past sessions of a tenant together; how many turns went into episodes.

    Raises:
        EmbeddingFailed: An episode's vector could not be had; what was done before stays done.
    """
    last: defaultdict[str, float] = defaultdict(float)
    async for page in pages(store, tenant, Filter(kinds=("turn",))):
        for turn in page:
            last[turn.session] = max(last[turn.session], turn.at, turn.used)
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
            (done if episode.used < now - DECIDED else fresh).update(episode.sources)
    # Left over where a run broke off between the episode and the removal of its turns.
    count = await _delete(store, tenant, [turn for turn in turns if turn.id in done])
    turns = [turn for turn in turns if turn.id not in done | fresh]
    if len(turns) <= MANY:
        return count
    by_scope: defaultdict[str, list[Record]] = defaultdict(list)
    for turn in sorted(turns, key=lambda turn: (turn.place, turn.id)):
        by_scope[turn.scope].append(turn)
    for said in by_scope.values():
        for start in range(0, len(said), STRETCH):
            stretch = said[start : start + STRETCH]
            episode = replace(await _episode(embedder, stretch), used=max(now, clock.now()))
            await store.put(tenant, [episode])
            if await _stands_alone(store, tenant, episode):
                count += await _delete(store, tenant, stretch)
            else:
                await store.delete(tenant, [episode.id])
    return count


async def _stands_alone(store: MemoryStore, tenant: str, episode: Record) -> bool:
    """Whether an episode that has just been put may take the place of its turns; else the next run tries again.

    What was forgotten or erased since the turns were read must not come back in it. And another
    run at the same time may have drawn the same turns together: of two that both see the other's, neither stays,
    so its turns are removed only where an episode does.
    """
    if len(await store.get(tenant, episode.sources)) < len(episode.sources):
        return False
    wanted = Filter(session=episode.session, kinds=("episode",))
    async for page in pages(store, tenant, wanted):
        if any(each.id != episode.id and set(each.sources) & set(episode.sources) for each in page):
            return False
    return True


async def _delete(store: MemoryStore, tenant: str, turns: Sequence[Record]) -> int:
    return await store.delete(tenant, [turn.id for turn in turns]) if turns else 0


async def _episode(embedder: Embedder | None, turns: Sequence[Record]) -> Record:
    text = says_most(turns)
    vector = None if embedder is None else (await embedder.embed([embeddable(text)]))[0]
    ids = tuple(turn.id for turn in turns)
    return Record(
        # Its own, so that a run that gives its episode up does not remove that of another.
        id=f"episode:{uuid4().hex}",
        scope=turns[0].scope,
        kind="episode",
        text=text,
        at=max(turn.at for turn in turns),
        session=turns[0].session,
        place=turns[0].place,
        importance=max(turn.importance for turn in turns),
        trust=min((turn.trust for turn in turns), key=trust_of),
        sources=ids,
        # With the first of its turns: their words must not outlast the time they were given.
        expires=min((turn.expires for turn in turns if turn.expires), default=0.0),
        uses=max(turn.uses for turn in turns),
        words=fact_words(text),
        vector=vector,
    )


def says_most(turns: Sequence[Record]) -> str:
    """The sentences nearest to what all of them are about, in their order, with who said them."""
    said = [(turn.speaker, sentence) for turn in turns for sentence in _sentences(turn.text)]
    bags = [Counter(terms(sentence)) for _, sentence in said]
    frequency = Counter(term for bag in bags for term in bag)
    weights = [
        {term: count * math.log(1 + len(bags) / frequency[term]) for term, count in bag.items()}
        for bag in bags
    ]
    centre: Counter[str] = Counter()
    for each in weights:
        centre.update(each)
    near = [_near(each, centre) for each in weights]
    order = sorted(range(len(said)), key=lambda place: (-near[place], place))
    chosen: dict[str, int] = {}
    left = _CHARS
    for place in order:
        sentence = said[place][1][:_CHARS]
        left -= len(sentence)
        if chosen and (left < 0 or len(chosen) == SAYS_MOST or near[place] == 0):
            break
        chosen.setdefault(normal(sentence), place)
    return "\n".join(_line(*said[place]) for place in sorted(chosen.values()))


def _sentences(text: str) -> list[str]:
    found = [sentence.strip() for sentence in _SENTENCE.findall(text)]
    return [sentence for sentence in found if sentence] or [text.strip()]


def _line(speaker: str, sentence: str) -> str:
    return f"{speaker}: {sentence[:_CHARS]}" if speaker else sentence[:_CHARS]


def _near(weights: dict[str, float], centre: Counter[str]) -> float:
    """How much of what was talked about a sentence says, 0 for one that says hardly anything."""
    if len(weights) < _LEAST:
        return 0.0
    length = math.sqrt(sum(value * value for value in weights.values()))
    return sum(value * centre[term] for term, value in weights.items()) / length
