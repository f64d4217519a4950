"""Environments with a scripted model for the client's tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from holdfast.testing import Environment, Reply, Request, ScriptedModel
from holdfast_temporal import DevServer

from ..support import app

Script = list[Reply] | Callable[[Request], Reply]
Running = Callable[..., AbstractAsyncContextManager[Environment]]


@pytest.fixture
def running(server: DevServer) -> Running:
    """Start a worker whose model follows a script."""

    @asynccontextmanager
    async def start(script: Script, *, worker: bool = True) -> AsyncGenerator[Environment]:
        async with (
            ScriptedModel(script) as model,
            Environment.start(app, model, server=server.address, worker=worker) as environment,
        ):
            yield environment

    return start
