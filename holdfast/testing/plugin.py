"""Fixtures for pytest, which loads this in every project with Holdfast: nothing is imported before one is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .environment import Environment


@pytest.fixture(scope="session")
def holdfast_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Temporal server in memory, which all tests of this process share."""
    import asyncio

    from holdfast_temporal import DevServer

    # Not asyncio.run: it would take the current event loop away from the plugin that runs async tests.
    loop = asyncio.new_event_loop()
    server = DevServer(tmp_path_factory.mktemp("holdfast"), memory=True, ui=False)
    try:
        loop.run_until_complete(server.start())
        yield server.address
        loop.run_until_complete(server.stop())
    finally:
        loop.close()


@pytest.fixture
def holdfast_env(holdfast_server: str) -> Callable[..., AbstractAsyncContextManager[Environment]]:
    """``Environment.start`` on that server, as an async context manager."""
    import functools

    from .environment import Environment

    return functools.partial(Environment.start, server=holdfast_server)
