"""Log lines say what they are about, and lead to the spans."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from holdfast.testing import Environment, ScriptedModel, call, failed, say
from holdfast_temporal import DevServer
from holdfast_workers.monitoring.logs import JsonFormatter

from .conftest import SHOP, Traced
from .receiver import Receiver

Lines = list[dict[str, Any]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The fields of all lines from now on."""
    found: Lines = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(JsonFormatter().fields(record))

    handler, root = Handler(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield found
    root.removeHandler(handler)
    root.setLevel(level)


def with_words(lines: Lines, words: str) -> dict[str, Any]:
    return next(each for each in lines if words in each["event"])


async def test_a_line_of_a_tool_names_its_turn_and_span(
    collector: Receiver, traced: Traced, lines: Lines
) -> None:
    async with traced([call("look", {"at": "the pier"}), say("A boat.")]) as holdfast:
        session = await holdfast.client.start("clerk", "What is there?", tenant="acme")
        await session.wait()
        await collector.has("execute_tool look")
    span, line = collector.one("execute_tool look"), with_words(lines, "looking")
    wanted = {
        "session": session.id,
        "turn": 1,
        "step": 1,
        "tenant": "acme",
        "agent": "clerk",
        "activity": "look",
        "trace_id": span.trace,
        "span_id": span.id,
    }
    assert wanted.items() <= line.items()


async def test_without_tracing_lines_name_the_turn_those_of_the_workflow_too(
    server: DevServer, lines: Lines
) -> None:
    script = [call("look", {"at": "the pier"}), failed(401)]
    async with ScriptedModel(script) as model, Environment.start(SHOP, model, server=server.address) as up:
        session = await up.client.start("clerk", "What is there?", tenant="acme")
        reply = await session.wait(raise_on_error=False)
        assert reply.error is not None
    about = {"session": session.id, "turn": 1, "step": 1, "tenant": "acme", "agent": "clerk"}
    for words in ("looking", "turn 1 failed"):
        line = with_words(lines, words)
        assert about.items() <= line.items()
        assert "trace_id" not in line
