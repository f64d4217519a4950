"""An empty state database, and an empty store in a file."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from holdfast_activities.memory import MemoryStore
from holdfast_activities.memory.embedded import open_embedded
from holdfast_activities.state import open_state

from .made import state_url


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty state database, made once."""
    folder = tmp_path_factory.mktemp("state")

    async def make() -> None:
        await (await open_state(state_url(folder))).close()

    asyncio.run(make())
    return folder / "state.db"


@pytest.fixture
def folder(empty: Path, tmp_path: Path) -> Path:
    """A folder with an empty state database."""
    shutil.copy(empty, tmp_path)
    return tmp_path


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[MemoryStore]:
    """An empty store in the file ``other.db``."""
    store = await open_embedded(tmp_path / "other.db", synchronous="NORMAL")
    yield store
    await store.close()
