"""Several processes on one file, and processes that are killed."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdfast_activities.memory import Filter

from ..conformance.records import ids, vector
from .conftest import Open

SCRIPT = Path(__file__).parent / "processes/write.py"


@contextmanager
def writer(path: Path, count: int, mark: str) -> Generator["subprocess.Popen[str]"]:
    """A process that is ready to write; killed at the end if it still runs."""
    command = [sys.executable, str(SCRIPT), str(path), "acme", str(count), mark]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            assert started.stdout.readline() == "ready\n"
            yield started
        finally:
            started.kill()


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.mark.slow
async def test_kill_9_in_the_middle_of_writes_loses_nothing_acknowledged(
    path: Path, open_store: Open
) -> None:
    acknowledged: set[str] = set()
    for turn in range(3):
        with writer(path, 1_000_000, f"round{turn}") as process:
            go(process)
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(60)]
            process.kill()
            lines += process.stdout.readlines()
            process.wait(timeout=10)
        # The last line may have been cut off.
        acknowledged |= {line.strip() for line in lines if line.endswith("\n")}
    store = await open_store()
    stored = set(ids(await store.list("acme", Filter(), limit=100_000)))
    assert len(acknowledged) >= 180
    assert acknowledged <= stored
    assert set(ids(await store.by_words("acme", ["word"], Filter(), 100_000))) == stored
    assert set(ids(await store.by_vector("acme", vector(1), Filter(), 100_000))) == stored


@pytest.mark.slow
async def test_what_two_processes_write_is_all_seen_by_a_third_that_has_searched_before(
    path: Path, open_store: Open
) -> None:
    store = await open_store()
    assert await store.by_vector("acme", vector(1), Filter(), 10) == []
    with writer(path, 150, "one") as one, writer(path, 150, "two") as two:
        go(one)
        go(two)
        assert one.stdout is not None
        seen = {one.stdout.readline().strip()}
        # While both are writing, whatever was acknowledged is there.
        for _ in range(20):
            seen.add(one.stdout.readline().strip())
            assert seen <= set(ids(await store.by_vector("acme", vector(1), Filter(), 1_000)))
        assert one.communicate(timeout=60)[1] is None
        assert two.communicate(timeout=60)[1] is None
        assert (one.returncode, two.returncode) == (0, 0)
    expected = {f"{mark}-{number}" for mark in ("one", "two") for number in range(150)}
    assert set(ids(await store.by_vector("acme", vector(1), Filter(), 1_000))) == expected
    assert set(ids(await store.by_words("acme", ["word"], Filter(), 1_000))) == expected
    assert (await store.counts()).facts == 300
