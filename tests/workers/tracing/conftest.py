"""A collector, and workers that send their spans to it."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from holdfast import Agent, App, Delegate, Memory, PersonalData, Pipeline, tool
from holdfast.testing import Environment, ScriptedModel
from holdfast_temporal import DevServer

from .receiver import Receiver, receiver

Traced = Callable[..., AbstractAsyncContextManager[Environment]]


@tool
async def look(at: str) -> str:
    """Look at something.

    Args:
        at: What to look at.
    """
    logging.getLogger("shop").info("looking")
    return f"{at}: seen"


SHOP = App(
    name="shop",
    agents=[
        Agent("clerk", model="openai:gpt-test", tools=[look]),
        Agent("lead", model="openai:lead", tools=[Delegate("clerk")]),
        Agent("discreet", model="openai:gpt-test", tools=[look], pii=PersonalData()),
        Agent("keeper", model="openai:gpt-test", memory=Memory(facts=False)),
    ],
    teams=[Pipeline("press", stages=["clerk"])],
)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A collector that workers of this process send to."""
    with receiver() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        yield found


@pytest.fixture
def traced(server: DevServer, collector: Receiver) -> Traced:
    """Start a worker that traces, whose model follows a script."""

    @asynccontextmanager
    async def begin(script: Any, **settings: Any) -> AsyncGenerator[Environment]:
        options: dict[str, Any] = {"tracing": "true", **settings}
        async with (
            ScriptedModel(script) as model,
            Environment.start(SHOP, model, server=server.address, **options) as holdfast,
        ):
            yield holdfast

    return begin
