"""The spans of a session's turns, at a collector."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast import Agent, App, tool
from holdfast.testing import Environment, ScriptedModel, call, say
from holdfast_temporal import DevServer

from .receiver import Receiver, receiver


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiver() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        yield found


@tool
async def look(at: str) -> str:
    """Look at something.

    Args:
        at: What to look at.
    """
    return f"{at}: seen"


CLERK = App(name="shop", agents=[Agent("clerk", model="openai:gpt-test", tools=[look])])


async def test_a_turn_has_spans_of_itself_its_model_calls_and_its_tool_calls(
    collector: Receiver, server: DevServer
) -> None:
    async with (
        ScriptedModel([call("look", {"at": "the pier"}), say("A boat.")]) as model,
        Environment.start(CLERK, model, server=server.address, tracing="true") as holdfast,
    ):
        session = await holdfast.client.start("clerk", "What is there?", tenant="acme", user="u-1")
        await session.wait()
        await collector.has("invoke_agent clerk")
    turn, look = collector.one("invoke_agent clerk"), collector.one("execute_tool look")
    first, second = collector.named("chat gpt-test")
    assert {each.trace for each in collector.spans} == {turn.trace}
    assert {each.parent for each in (first, look, second)} == {turn.id}
    assert turn.parent == ""
    assert turn.start <= first.start < look.start < second.start <= turn.end
