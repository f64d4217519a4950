"""What a provider wants back verbatim with the conversation goes back so, and only to its own wire."""

import json
from typing import Any

import pytest

from holdfast.testing.model import Reply, ScriptedModel, call, say
from holdfast_activities.models import ModelReply
from holdfast_workflows.contracts.entries import Entry, ReplyEntry, UserEntry

from .conversations import NAMES, ask

THOUGHT = (say("I look.") + call("look", {"at": "it"}) + call("look", {"at": "me"})).but(thinking="Hmm. 😀")


async def _again(server: ScriptedModel, name: str, entry: ReplyEntry) -> Any:
    """The reply as it stands in the next request."""
    entries: list[Entry] = [UserEntry(seq=1, text="Hello"), entry]
    await ask(server, name, entries=entries)
    return json.loads(server.requests[-1].body)["messages"]


def _entry(reply: ModelReply, calls: int = 2) -> ReplyEntry:
    return ReplyEntry(seq=2, text=reply.text, calls=reply.calls[:calls], extra=reply.extra)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_signed_thinking_goes_back_with_its_calls(stream: bool) -> None:
    async with ScriptedModel([THOUGHT, say("Done.")]) as server:
        reply = await ask(server, NAMES[1], stream=stream)
        messages = await _again(server, NAMES[1], _entry(reply))
    assert messages[1]["content"] == [
        {"type": "thinking", "thinking": "Hmm. 😀", "signature": "sig-1"},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": reply.calls[0].id, "name": "look", "input": {"at": "it"}},
        {"type": "tool_use", "id": reply.calls[1].id, "name": "look", "input": {"at": "me"}},
    ]


async def test_a_call_that_was_not_taken_does_not_go_back() -> None:
    async with ScriptedModel([THOUGHT, say("Done.")]) as server:
        reply = await ask(server, NAMES[1])
        messages = await _again(server, NAMES[1], _entry(reply, calls=1))
    kinds = [block["type"] for block in messages[1]["content"]]
    assert kinds == ["thinking", "text", "tool_use"]


async def test_what_one_wire_signed_does_not_reach_the_other() -> None:
    async with ScriptedModel([THOUGHT, say("Done.")]) as server:
        reply = await ask(server, NAMES[1])
        messages = await _again(server, NAMES[0], _entry(reply))
    assert "Hmm." not in json.dumps(messages)
    assert [made["function"]["arguments"] for made in messages[2]["tool_calls"]] == [
        '{"at":"it"}',
        '{"at":"me"}',
    ]


async def test_reasoning_and_signatures_of_openai_like_servers_go_back_with_their_calls() -> None:
    signed = {"google": {"thought_signature": "abc"}}
    function = {"name": "look", "arguments": "{}"}
    message = {
        "content": None,
        "reasoning_content": "Hmm.",
        "tool_calls": [{"id": "a", "type": "function", "function": function, "extra_content": signed}],
    }
    body = json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]}).encode()
    async with ScriptedModel([Reply(raw=body), say("Done.")]) as server:
        reply = await ask(server, NAMES[0])
        messages = await _again(server, NAMES[0], _entry(reply))
    assert messages[2]["reasoning_content"] == "Hmm."
    assert messages[2]["tool_calls"][0]["extra_content"] == signed
