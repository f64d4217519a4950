"""The embedded memory store at the size it is meant for: ``python -m benchmarks.memory_store``.

Vectors lie in clusters, as those of texts do, and words are as frequent as a language's.
Recall is against brute force over the vectors as they are stored.
"""

import argparse
import asyncio
import itertools
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from holdfast_activities.memory import Collection, Filter, MemoryStore, Record, Scored, Vector
from holdfast_activities.memory.embedded import open_embedded

DIMENSION = 384
TENANTS = 20
QUERIES = 300
BATCH = 1_000
_CLUSTERS = 200
_VOCABULARY = 30_000
_WORDS = 15
_TERMS = 4
_BEST = 10


@dataclass(frozen=True)
class Row:
    """One line of the table; times are in milliseconds."""

    what: str
    figure: str
    bound: str = ""


def main() -> None:
    """Measure, and show."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory_store", description=__doc__)
    parser.add_argument("--vectors", type=int, default=100_000, help="in all tenants together (100,000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(measure(Path(folder) / "memory.db", options.vectors))
    Console().print(table(rows, options.vectors))


def table(rows: list[Row], vectors: int) -> Table:
    """The results for a terminal."""
    shown = Table("", "measured", "bound", title=f"{vectors:,} vectors, {TENANTS} tenants")
    for row in rows:
        shown.add_row(row.what, row.figure, row.bound)
    return shown


async def measure(path: Path, vectors: int) -> list[Row]:
    """Fill a store and search it."""
    process = psutil.Process()
    work = _Work(vectors)
    before = process.memory_info().rss
    store = await open_embedded(path)
    await store.begin(Collection("benchmark", DIMENSION))
    filling = 0.0
    for tenant, records in work.batches():
        began = time.perf_counter()
        await store.put(tenant, records)
        filling += time.perf_counter() - began
    single = await _times(lambda number: store.put(*work.single(number)), 100)
    await store.close()
    # Opened again, so that the first search of each tenant loads its vectors from the file.
    store = await open_embedded(path)
    await store.begin(Collection("benchmark", DIMENSION))
    cold = await _times(lambda number: store.by_vector(*work.near(number), Filter(), _BEST), TENANTS)
    near = await _times(lambda number: store.by_vector(*work.near(number), Filter(), _BEST), QUERIES)
    some = Filter(scopes=("user:1",), now=1.0)
    filtered = await _times(lambda number: store.by_vector(*work.near(number), some, _BEST), QUERIES)
    words = await _times(lambda number: store.by_words(*work.asked(number), Filter(), _BEST), QUERIES)
    used = process.memory_info().rss - before
    recall = await _recall(store, work)
    size = (await store.counts()).bytes
    await store.close()
    return [
        Row(f"insert, {work.batch:,} at a time", f"{filling:.1f} s ({vectors / filling:,.0f}/s)"),
        Row("insert one, on disk", _show(single)),
        Row("by vector, first of a tenant", _show(cold)),
        Row("by vector", _show(near), "p50 ≤ 3 ms"),
        Row("by vector, one scope of ten", _show(filtered)),
        Row(f"recall@{_BEST}", f"{recall:.4f}", "1.0"),
        Row(f"by words, {_TERMS} terms", _show(words)),
        Row("file", f"{size / 2**20:,.0f} MB"),
        Row("memory, vectors cached", f"{used / 2**20:,.0f} MB"),
    ]


class _Work:
    """What is put and asked, the same in every run."""

    def __init__(self, vectors: int) -> None:
        self._vectors = vectors
        self.batch = min(BATCH, max(1, vectors // TENANTS))
        self._random = Random(3)
        self._numbers = np.random.default_rng(3)
        self._centres = self._numbers.normal(size=(_CLUSTERS, DIMENSION)).astype(np.float32)
        # A word's frequency falls with its rank.
        self._vocabulary = [f"word{rank}" for rank in range(_VOCABULARY)]
        self._weights = list(itertools.accumulate(1 / (rank + 10) for rank in range(_VOCABULARY)))

    def batches(self) -> Iterator[tuple[str, list[Record]]]:
        for number, start in enumerate(range(0, self._vectors, self.batch)):
            stop = min(start + self.batch, self._vectors)
            yield _tenant(number), [self._record(each) for each in range(start, stop)]

    def single(self, number: int) -> tuple[str, list[Record]]:
        return _tenant(number), [self._record(self._vectors + number)]

    def near(self, number: int) -> tuple[str, Vector]:
        return _tenant(number), self._vector()

    def asked(self, number: int) -> tuple[str, list[str]]:
        return _tenant(number), self._terms(_TERMS)

    def _record(self, number: int) -> Record:
        words = " ".join(self._terms(_WORDS))
        scope = f"user:{number % 10}"
        text = f"{words}, said at {number}. " * 2
        return Record(f"{number:07}", scope, "fact", text, float(number), words=words, vector=self._vector())

    def _vector(self) -> Vector:
        centre = self._centres[self._random.randrange(_CLUSTERS)]
        made = centre + 0.5 * self._numbers.normal(size=DIMENSION).astype(np.float32)
        unit: Vector = made / np.float32(np.linalg.norm(made))
        return unit

    def _terms(self, count: int) -> list[str]:
        return self._random.choices(self._vocabulary, cum_weights=self._weights, k=count)


async def _recall(store: MemoryStore, work: _Work) -> float:
    """The part of the nearest that is found, by what is stored."""
    stored: dict[str, tuple[list[str], Vector]] = {}
    for number in range(TENANTS):
        ids = [record.id for record in await store.list(_tenant(number), Filter(), limit=10**9)]
        found = await store.get(_tenant(number), ids)
        vectors = np.stack([record.vector for record in found if record.vector is not None])
        stored[_tenant(number)] = (ids, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    hits = asked = 0
    for number in range(QUERIES):
        tenant, query = work.near(number)
        ids, vectors = stored[tenant]
        nearest: list[int] = np.argsort(-(vectors @ query))[:_BEST].tolist()
        expected = {ids[place] for place in nearest}
        asked += len(expected)
        hits += len(expected & _ids(await store.by_vector(tenant, query, Filter(), _BEST)))
    return hits / asked


def _ids(found: list[Scored]) -> set[str]:
    return {each.record.id for each in found}


def _tenant(number: int) -> str:
    return f"tenant {number % TENANTS}"


async def _times(do: Callable[[int], Awaitable[object]], count: int) -> list[float]:
    taken: list[float] = []
    for number in range(count):
        began = time.perf_counter()
        await do(number)
        taken.append(1_000 * (time.perf_counter() - began))
    return sorted(taken)


def _show(times: list[float]) -> str:
    return f"p50 {median(times):.2f} ms, p95 {times[int(len(times) * 0.95)]:.2f} ms"


if __name__ == "__main__":
    main()
