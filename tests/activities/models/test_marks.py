"""Anthropic is told what to keep: at most four marks, and the second of the last two is where the next step finds it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.testing import ScriptedModel
from holdfast_activities.models.anthropic.client import AnthropicModel
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry, ToolCall, UserEntry

from .conversations import LOOK, models_of, request

MARK = {"type": "ephemeral"}


def step(seq: int) -> list[Entry]:
    call = ToolCall(id=f"c{seq}", name="look", arguments="{}")
    return [
        ReplyEntry(seq=seq, calls=(call,), finish="tool_calls"),
        ResultEntry(seq=seq + 1, call_id=call.id, name="look", text="seen"),
    ]


async def bodies(*logs: list[Entry]) -> list[dict[str, Any]]:
    async with ScriptedModel([]) as server:
        models = models_of(server)
        model = models.get("anthropic:claude-sonnet-4-5")
        assert isinstance(model, AnthropicModel)
        found = [json.loads(model.body(request(model, log))) for log in logs]
        await models.close()
    return found


def marked(body: dict[str, Any]) -> list[tuple[int, int]]:
    """The messages with a marked block, each with the place of the block."""
    return [
        (at, place)
        for at, message in enumerate(body["messages"])
        for place, block in enumerate(message["content"])
        if "cache_control" in block
    ]


async def test_tools_instructions_and_the_last_two_user_messages_are_marked() -> None:
    log: list[Entry] = [
        UserEntry(seq=1, text="Go"),
        *step(2),
        *step(4),
        UserEntry(seq=6, text="Hurry", role="steer"),
    ]
    [body] = await bodies(log)
    assert body["tools"] == [
        {
            "name": "look",
            "description": LOOK.description,
            "input_schema": LOOK.parameters,
            "cache_control": MARK,
        }
    ]
    assert [block["cache_control"] for block in body["system"]] == [MARK]
    assert marked(body) == [(2, 0), (4, 1)]
    assert json.dumps(body).count("cache_control") == 4


@pytest.mark.parametrize("count", [1, 2, 7])
async def test_what_a_step_marks_last_the_next_one_marks_too(count: int) -> None:
    log: list[Entry] = [UserEntry(seq=1, text="Go")]
    for n in range(count):
        log += step(2 + 2 * n)
    before, after = await bodies(log, [*log, *step(2 + 2 * count)])
    assert marked(before)[-1] == marked(after)[-2]
    # But for the marks, the next prompt begins with this one.
    shorter, longer = (json.dumps(body["messages"]) for body in (before, after))
    mark = json.dumps({"cache_control": MARK})[1:-1]
    assert longer.replace(f", {mark}", "").startswith(shorter.replace(f", {mark}", "")[:-1])
