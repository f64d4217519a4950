"""Fixtures for all tests: a Temporal server, a client, a task queue, database servers."""

from __future__ import annotations

import asyncio
import os
import ssl
import uuid
from collections.abc import Coroutine, Generator, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import settings
from temporalio.bridge.worker import Worker as BridgeWorker
from temporalio.client import Client
from temporalio.worker._workflow import (
    _WorkflowWorker as WorkflowWorker,  # pyright: ignore[reportPrivateUsage] - it has no public setting
)

from holdfast_temporal import DevServer, connect
from holdfast_workflows.contracts.text.unicode import clean
from tests import hanging
from tests.house.produced import Produced
from tests.postgres_server import PostgresServer
from tests.weaviate_server import NamedWeaviate, WeaviateServer, find_weaviate

T = TypeVar("T")

# Every run takes the same examples, so that a failure is due to the change under test.
# HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=1_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_configure(config: pytest.Config) -> None:
    """Record the errors that tests produce, report what a hanging test waits for, and ignore a warning."""
    config.pluginmanager.register(Produced(config))
    config.pluginmanager.register(hanging)
    # The SDK warns of a cancellation that arrives after its activity has ended. As an error it would end the worker.
    config.addinivalue_line("filterwarnings", "ignore:Cannot find activity to cancel:UserWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slow tests first: one that began last would keep the other processes of the run waiting."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def bounded_shutdown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit the last step of the SDK's worker shutdown, which hangs once in several thousand shutdowns.

    All calls have ended before it. Worker processes of Holdfast limit their whole shutdown.
    """
    finalize = BridgeWorker.finalize_shutdown

    async def bounded(worker: BridgeWorker) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(finalize(worker), 20)

    monkeypatch.setattr(BridgeWorker, "finalize_shutdown", bounded)


@pytest.fixture(scope="session", autouse=True)
def patient_workers() -> Iterator[None]:
    """Let a decision take as long as its workflow task.

    The SDK fails one after 2 s, which a busy machine needs now and then, and interrupts whatever its thread does,
    also a collection of garbage. Worker processes keep the SDK's limit.
    """
    make = WorkflowWorker.__init__

    def patient(self: WorkflowWorker, **options: Any) -> None:
        make(self, **options)
        self._deadlock_timeout_seconds = 10

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WorkflowWorker, "__init__", patient)
        yield


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove Holdfast's settings from the environment and give each test its own home folder."""
    for name in os.environ:
        if name.startswith("HOLDFAST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / ".holdfast"))


@pytest.fixture(scope="session", autouse=True)
def certificates() -> Iterator[None]:
    """Read the certificates of authorities once, as each worker process does. It takes 18 ms, in most tests."""
    read = httpx.create_ssl_context

    @cache
    def context(_: tuple[str, str], verify: Any) -> ssl.SSLContext:
        return read(verify)

    def create(verify: Any = True) -> ssl.SSLContext:
        return context((os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")), verify)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx, "create_ssl_context", create)
        yield


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
    """One Weaviate server for all tests of this process."""
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
    """Remove lone surrogates from captured logs, which xdist cannot transmit."""
    report = yield
    report.sections = [(name, clean(text)) for name, text in report.sections]
    return report
