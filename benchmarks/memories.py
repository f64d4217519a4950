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
from .report import machine
from .retrieval_data import conversations

_PAGE = Path(__file__).with_name("MEMORY.md")
_APART = 0.02
"""How far the two stores' recall may be apart."""

_NOTES = f"""\
## Finding what answers a question

{len(conversations())} conversations of dated turns between two people, written for this benchmark, with
questions whose evidence is known; the part of the evidence that is among the first {retrieval.LIMIT} found. Each
row adds a signal to the one above it; vectors are those of all-MiniLM-L6-v2. The talks are made from templates
and paraphrased, so the levels say little about people's talks; the differences say what each signal is
for. Weights were set on the other half of the conversations, though how terms, names and candidates are
treated was chosen with both in sight.
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
            found = asyncio.run(retrieval.run(url, 1, status.update))
    console.print(memory_store.table(rows, vectors), retrieval.table(found), _verdict(found))
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


def _page(rows: list[memory_store.Row], vectors: int, found: dict[str, dict[str, retrieval.Row]]) -> str:
    command = " ".join(["python -m benchmarks.memories", *sys.argv[1:]])
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
        _NOTES,
        "| | " + " | ".join(found) + " |",
        "|---|" + "---:|" * len(found),
    ]
    signals = next(iter(found.values()))
    for signal in signals:
        figures = " | ".join(f"{store[signal]['all']:.3f}" for store in found.values())
        lines.append(f"| {signal} | {figures} |")
    return "\n".join([*lines, "", _verdict(found), ""])


def _verdict(found: dict[str, dict[str, retrieval.Row]]) -> str:
    if len(found) < 2:
        return f"Weaviate was not measured: its server is not there (`make weaviate` installs {VERSION})."
    one, other = found.values()
    apart = max(abs(one[signal]["all"] - other[signal]["all"]) for signal in one)
    met = "pass" if apart <= _APART else "**fail**"
    return f"The stores are at most {apart:.3f} apart (bound {_APART}): {met}. Weaviate {VERSION}."


if __name__ == "__main__":
    main()
