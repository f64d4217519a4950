"""Both state databases and the file store, real ones."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from holdfast_activities.state import State, open_state, upgrade
from tests.postgres_server import PostgresServer

DATABASES = ["sqlite", "postgres"]

_QUICK = {"test_log", "test_sessions"}
"""The modules that the ordinary suite runs on the file store; the slow one runs the others."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        assert isinstance(item, pytest.Function)
        module = str(item.nodeid).partition("::")[0]
        on_files = hasattr(item, "callspec") and item.callspec.params.get("url") == "file"
        if on_files and Path(module).stem not in _QUICK:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(params=[*DATABASES, "file"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store with tables; on PostgreSQL the tests share it."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'state.db'}"
    elif request.param == "file":
        return f"file:{tmp_path / 'state'}"  # it gets its tables when it is opened
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
