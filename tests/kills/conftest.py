"""A world for each test of kills."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from temporalio.client import Client

from holdfast.testing import Reply, Request, ScriptedModel
from holdfast_temporal import DevServer

from .ledger import Ledger
from .world import World

Make = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def world(server: DevServer, client: Client) -> Make:
    """Make a world whose model follows a script."""

    @asynccontextmanager
    async def make(script: Callable[[Request], Reply]) -> AsyncGenerator[World]:
        async with ScriptedModel(script) as model, Ledger() as ledger:
            yield World(server.address, client, model, ledger, Path(os.environ["HOLDFAST_HOME"]))

    return make
