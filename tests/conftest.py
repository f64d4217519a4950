"""What every test may use: a real Temporal server, a client, a task queue of its own."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Coroutine, Generator, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from temporalio.client import Client

from holdfast_temporal import DevServer, connect
from holdfast_workflows.contracts.text import clean
from tests.house.produced import Produced
from tests.postgres_server import PostgresServer
from tests.weaviate_server import NamedWeaviate, WeaviateServer, find_weaviate

T = TypeVar("T")

# The same examples in every run, so that a change is judged by what it does; new ones are
# looked for with HYPOTHESIS_PROFILE=explore.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=1_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_configure(config: pytest.Config) -> None:
    """Note which errors the tests produce; a run of all tests is to produce every one."""
    config.pluginmanager.register(Produced(config))


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine reaches a test, and no test finds another's embedded server."""
    for name in os.environ:
        if name.startswith("HOLDFAST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / ".holdfast"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    """One Temporal server, kept in memory, for all tests of this process."""
    server = DevServer(tmp_path_factory.mktemp("temporal"), memory=True, ui=False)
    _run(server.start())
    yield server
    _run(server.stop())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server for all tests of this process."""
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def weaviate_server() -> Iterator[WeaviateServer | NamedWeaviate]:
    """One Weaviate server for all tests of this process: the one that is named, or our own."""
    server = find_weaviate()
    yield server
    server.stop()


@pytest.fixture
async def client(server: DevServer) -> Client:
    """A client of that server."""
    return await connect(server.address)


@pytest.fixture
def task_queue() -> str:
    """A task queue that no other test uses."""
    return f"test-{uuid.uuid4().hex}"


def _run(work: Coroutine[Any, Any, T]) -> T:
    # Not asyncio.run: it would take the current event loop away from pytest-asyncio.
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Some tests put lone surrogates into logs, and xdist's channel cannot carry them."""
    report = yield
    report.sections = [(name, clean(text)) for name, text in report.sections]
    return report
