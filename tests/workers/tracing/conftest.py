"""A collector, and workers that send their spans to it."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import Sampler

from holdfast import Agent, App, Delegate, FanOut, Handoff, Memory, PersonalData, Pipeline, tool
from holdfast.testing import Environment, ScriptedModel
from holdfast_temporal import DevServer

from .receiver import Receiver, receiver

Traced = Callable[..., AbstractAsyncContextManager[Environment]]
Application = Callable[[Sampler], AbstractContextManager[None]]


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
        Agent(
            "lead",
            model="openai:lead",
            tools=[Delegate("clerk"), Delegate("press"), FanOut("clerk"), Handoff("clerk")],
        ),
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


@pytest.fixture
def application(collector: Receiver, monkeypatch: pytest.MonkeyPatch) -> Application:
    """An application that traces its requests with that sampler, as it sets OpenTelemetry up for itself."""

    @contextmanager
    def request(sampler: Sampler) -> Generator[None]:
        provider = TracerProvider(sampler, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{collector.url}/v1/traces")))
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
        with provider.get_tracer("application").start_as_current_span("request"):
            yield

    return request
