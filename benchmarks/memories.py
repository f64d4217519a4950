"""``python -m benchmarks.memories``: how fast memories are found and how many of the right ones; writes ``MEMORY.md``.

Both stores are measured if a Weaviate server is available; otherwise the page reports that it was not.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from tests.weaviate_server import PROGRAM, VERSION, WeaviateServer

from . import memory_store, retrieval
from .by_sentence import sentences
from .dialogues import dialogues
from .retrieval_data import conversations
from .steps.report import machine

_PAGE = Path(__file__).with_name("MEMORY.md")
_APART = 0.02
"""How far the two stores' recall may be apart."""
_P50_MS = 20.0
"""How long a search may take."""

_NOTES = f"""\
## Finding what answers a question

The part of the evidence that is among the first {retrieval.LIMIT} found, in conversations of dated turns between
two people, with vectors of all-MiniLM-L6-v2. Both sets were written for this benchmark. The levels depend on how
the questions are put; the differences show what each signal is worth.

- *dialogues*: scenes that are written out, {len(dialogues("held_out"))} dialogues in each half. Two thirds of the
  questions use words of their answers, the others do not. The halves share no scene.
- *templates*: {len(conversations()) // 2} conversations in each half. The halves share templates.

Weights were set on one half of each set; these are the figures of the other. Where the halves left a choice, the
weights are near those that were fitted elsewhere on public dialogues. "Not taken" adds a vector for each sentence
to the vector of the turn, of which the nearest counts. That is {{more:.2f}} times as many vectors here, and more if
people say more at once.
"""


def main() -> None:
    """Measure, show and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memories", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the vectors, and no Weaviate")
    quick = parser.parse_args().quick
    console = Console()
    with console.status("the embedded store at size") as status:
        with tempfile.TemporaryDirectory() as folder:
            vectors = 10_000 if quick else 100_000
            rows = asyncio.run(memory_store.measure(Path(folder) / "memory.db", vectors))
        with _weaviate(quick=quick) as url:
            found = asyncio.run(retrieval.run(url, status.update))
    console.print(memory_store.table(rows, vectors))
    for name, measured in found.items():
        console.print(retrieval.table(name, measured))
    console.print(*_verdict(found), sep="\n")
    if not quick:
        _PAGE.write_text(_page(rows, vectors, found))
        console.print("written to benchmarks/MEMORY.md")


@contextmanager
def _weaviate(*, quick: bool) -> Generator[str]:
    """The URL of a server that is started here; empty if it cannot be started."""
    if quick or not PROGRAM.is_file():
        yield ""
        return
    server = WeaviateServer()
    server.start()
    try:
        yield server.url("Benchmark")
    finally:
        server.stop()


def _page(rows: list[memory_store.Row], vectors: int, found: retrieval.Results) -> str:
    command = " ".join(["python -m benchmarks.memories", *sys.argv[1:]])
    columns = [(name, store) for name, measured in found.items() for store in measured]
    lines = [
        "# How memories are found",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, by `{command}` on {machine()}.",
        "",
        f"## The embedded store: {vectors:,} vectors of {memory_store.DIMENSION} in {memory_store.TENANTS} tenants",
        "",
        "| | measured | bound |",
        "|---|---:|---:|",
        *(f"| {row.what} | {row.figure} | {row.bound} |" for row in rows),
        "",
        _NOTES.format(more=_more_vectors()),
        "| | " + " | ".join(f"{name}, {store}" for name, store in columns) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for signal in retrieval.signals():
        figures = (found[name][store].rows[signal.name]["all"] for name, store in columns)
        lines.append(f"| {signal.name} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")
    return "\n".join([*lines, "", *(f"- {line}" for line in _verdict(found)), ""])


def _more_vectors() -> float:
    turns = [turn for made in dialogues("held_out") for turn in made.turns]
    parts = (sentences(turn.text) for turn in turns)
    return sum(1 + (len(each) if len(each) > 1 else 0) for each in parts) / len(turns)


def _verdict(found: retrieval.Results) -> list[str]:
    stores = list(next(iter(found.values())))
    times = {store: max(measured[store].p50 for measured in found.values()) for store in stores}
    lines = [
        f"A search with all signals takes p50 {p50:.1f} ms with the store {store}, embedding included "
        f"(bound {_P50_MS:.0f} ms): {_met(p50 <= _P50_MS)}."
        for store, p50 in times.items()
    ]
    if len(stores) < 2:
        return [
            *lines,
            f"Weaviate was not measured: its server is not there (`make weaviate` installs {VERSION}).",
        ]
    apart = max(
        abs(measured[stores[0]].rows[signal]["all"] - measured[stores[1]].rows[signal]["all"])
        for measured in found.values()
        for signal in measured[stores[0]].rows
    )
    return [
        *lines,
        f"The stores are at most {apart:.3f} apart (bound {_APART}): {_met(apart <= _APART)}. Weaviate {VERSION}.",
    ]


def _met(met: bool) -> str:
    return "pass" if met else "**fail**"


if __name__ == "__main__":
    main()
