"""The benchmark of the memory store runs and finds what brute force finds."""

from pathlib import Path

from benchmarks.memory_store import measure


async def test_every_figure_is_taken_and_nothing_near_is_missed(tmp_path: Path) -> None:
    figures = {row.what: row.figure for row in await measure(tmp_path / "memory.db", 400)}
    assert len(figures) == 9
    assert figures["recall@10"] == "1.0000"
