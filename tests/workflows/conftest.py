"""A running Holdfast for the tests of the session."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from holdfast.app import App
from holdfast.testing import Environment, Reply, Request, ScriptedModel
from holdfast_temporal import DevServer

from ..support import make_app


@dataclass
class Running:
    """Holdfast and the model that it asks."""

    holdfast: Environment
    model: ScriptedModel


Start = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def start(server: DevServer) -> Start:
    """Start a worker for an app whose model follows a script."""

    @asynccontextmanager
    async def begin(
        script: list[Reply] | Callable[[Request], Reply | Awaitable[Reply]],
        app: App | None = None,
        **options: Any,
    ) -> AsyncGenerator[Running]:
        async with (
            ScriptedModel(script) as model,
            Environment.start(app or make_app(), model, server=server.address, **options) as holdfast,
        ):
            yield Running(holdfast, model)

    return begin
