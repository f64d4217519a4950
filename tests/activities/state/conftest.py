"""Both state databases without tables."""

import uuid
from pathlib import Path

import pytest

from tests.activities.conftest import DATABASES
from tests.postgres_server import PostgresServer


@pytest.fixture(params=DATABASES)
async def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of this test alone, without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return await server.create(f"test_{uuid.uuid4().hex}")
