"""The environment of the kill tests."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from temporalio.client import Client

from holdfast.testing import Reply, Request, ScriptedModel
from holdfast_temporal import DevServer, connect

from .ledger import Ledger
from .world import World

Script = Callable[[Request], Reply | Awaitable[Reply]]
Make = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def world(server: DevServer, client: Client) -> Make:
    """Make a world whose model follows a script, on the server of all tests or on one of its own."""

    @asynccontextmanager
    async def make(script: Script, own: DevServer | None = None) -> AsyncGenerator[World]:
        address, temporal = server.address, client
        if own is not None:
            address, temporal = own.address, await connect(own.address)
        async with ScriptedModel(script) as model, Ledger() as ledger:
            yield World(address, temporal, model, ledger, Path(os.environ["HOLDFAST_HOME"]))

    return make
