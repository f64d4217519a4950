"""A folder of the file store, and what its files hold."""

from pathlib import Path

import pytest

from holdfast_activities.state import open_state
from holdfast_workflows.contracts.session.entries import UserEntry


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def url(folder: Path) -> str:
    return f"file:{folder}"


async def write(url: str, *texts: str) -> None:
    """Open the store, write an entry for each text, and close it."""
    state = await open_state(url)
    for text in texts:
        await state.log.settle("s", [UserEntry(seq=int(text), text=text)])
    await state.close()


async def read(url: str) -> list[str]:
    """The texts that the store has."""
    state = await open_state(url)
    found = [entry.text for entry in await state.log.read("s", 0) if isinstance(entry, UserEntry)]
    await state.close()
    return found


def journal(folder: Path) -> Path:
    """The newest journal."""
    return sorted(folder.glob("journal-*.jsonl"))[-1]


def snapshots(folder: Path) -> list[Path]:
    """The snapshots, the oldest first."""
    return sorted(folder.glob("snapshot-*.backup"))
