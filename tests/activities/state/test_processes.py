"""Several processes on one state database, and processes that are killed."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdfast_activities.state import State, open_state
from holdfast_workflows.contracts.session.entries import UserEntry
from tests.activities.conftest import DATABASES

SCRIPTS = Path(__file__).parent / "processes"


@contextmanager
def process(script: str, *arguments: object) -> Generator["subprocess.Popen[str]"]:
    """A process of one of the scripts; killed at the end if it still runs."""
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def go(*processes: "subprocess.Popen[str]") -> None:
    """Wait until all are ready, then let them begin together."""
    for each in processes:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()


def told(lines: str | list[str]) -> dict[int, str]:
    """What a process was told for each number; a last line that was cut off is left out."""
    whole = lines.splitlines(keepends=True) if isinstance(lines, str) else lines
    pairs = [line.split() for line in whole if line.endswith("\n")]
    return {int(seq): text for seq, text in pairs}


async def texts(state: State, session: str) -> dict[int, str]:
    entries = await state.log.read(session, 0)
    return {entry.seq: entry.text for entry in entries if isinstance(entry, UserEntry)}


@pytest.mark.parametrize("url", DATABASES, indirect=True)
async def test_processes_that_write_the_same_numbers_get_the_same_entries(url: str, session: str) -> None:
    with (
        process("append.py", url, session, 0, 150, "one") as one,
        process("append.py", url, session, 0, 150, "two") as two,
    ):
        go(one, two)
        answers = [told(each.communicate(timeout=60)[0]) for each in (one, two)]
    state = await open_state(url)
    stored = await texts(state, session)
    await state.close()
    assert sorted(stored) == list(range(150))
    assert answers == [stored, stored]


async def test_kill_9_in_the_middle_of_writes_loses_nothing_acknowledged(url: str, session: str) -> None:
    with process("append.py", url, session, 0, 1_000_000, "mine") as writer:
        go(writer)
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(120)]
        writer.kill()
        lines += writer.stdout.readlines()
        writer.wait(timeout=10)
    state = await open_state(url)
    stored = await texts(state, session)
    acknowledged = told(lines)
    assert len(acknowledged) >= 120
    assert acknowledged.items() <= stored.items()
    assert await state.log.settle(session, [UserEntry(seq=0, text="later")]) == [
        UserEntry(seq=0, text="mine")
    ]
    await state.close()


@pytest.mark.slow
async def test_processes_that_open_a_new_database_at_once_all_succeed(empty_url: str) -> None:
    with process("open.py", empty_url) as one, process("open.py", empty_url) as two:
        go(one, two)
        assert [each.communicate(timeout=60)[0] for each in (one, two)] == ["open\n", "open\n"]
        assert (one.returncode, two.returncode) == (0, 0)
