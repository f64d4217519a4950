"""Both state databases, real ones."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from holdfast_activities.state import State, open_state, upgrade
from tests.postgres_server import PostgresServer

BACKENDS = ["sqlite", "postgres"]


@pytest.fixture(params=BACKENDS)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with tables; on PostgreSQL the tests share it."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'state.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = await server.create("conformance")
    await upgrade(url)
    return url


@pytest.fixture
async def state(url: str) -> AsyncIterator[State]:
    state = await open_state(url)
    yield state
    await state.close()


@pytest.fixture
def session() -> str:
    """A session id that no other test uses."""
    return f"s-{uuid.uuid4().hex}"
